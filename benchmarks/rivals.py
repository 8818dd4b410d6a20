"""The same training fed by what people use instead: files a sample, HDF5, tars, zarr, xbatcher.

Every feed delivers whole epochs of the same samples in batches of 16, in its stored float16, from
the page cache; a turn is one epoch, begun anew. In each round every feed takes one turn, so that
ours and each rival's make pairs; each round begins with another feed. Workers are started before
and stay.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import torch

from atdt.stores import default_samples_per_shard
from atdt.transfer.feed import Batch
from atdt.transfer.order import epoch_order
from benchmarks.formats import (
    Hdf5Rows,
    NpyRows,
    SafetensorsFiles,
    SafetensorsSlices,
    ZarrRows,
    row_loader,
    tar_loader,
    write_tars,
    xbatcher_batches,
)
from benchmarks.harness import Scale, Table, ratio_of, seconds
from benchmarks.loops import Loop, settle
from benchmarks.material import DEMO, feature_store

BATCH = 16
BAR = "none ahead of ours by its quartiles"
WHY = (
    "Streaming checks every byte and copies it twice, into its window and into the batch. A mapped "
    "file whose pages are in memory is copied once and not checked: it is faster as long as memory "
    "holds it, which is when ours is resident."
)
OURS = ("ours, resident", "ours, streaming")
Feeds = dict[str, Iterable[Batch]]


def measure(scale: Scale, folder: Path) -> list[Table]:
    """The feed alone, and in the demo's training."""
    alone = _alone(scale, folder / "alone", scale.of(1024, 64))
    training = _training(scale, folder / "training", scale.of(128, 32))
    return [alone, training]


def _alone(scale: Scale, folder: Path, samples: int) -> Table:
    table = _table(f"batches/s of the feed alone, {samples} samples: ours ÷ theirs", BAR)

    def look(feed: Iterable[Batch]) -> None:
        sum(float(batch["source"][0, 0, 0, 0] + batch["target"][0, 0, 0, 0]) for batch in feed)

    _fill(table, scale, folder, samples, lambda loop: look)
    return table


def _training(scale: Scale, folder: Path, samples: int) -> Table:
    table = _table(
        f"steps/s of the demo's G (width 128), {samples} samples: ours ÷ theirs",
        BAR,
    )

    def training(loop: Loop) -> Callable[[Iterable[Batch]], None]:
        return loop.train_bare

    _fill(table, scale, folder, samples, training)
    table.notes += [
        "The loss is the mean square alone; the demo's own, through the decoder, takes longer and "
        "brings all feeds closer.",
        "annbatch is left out: it loads AnnData, matrices of two dimensions, and features have 4.",
    ]
    return table


def _fill(
    table: Table,
    scale: Scale,
    folder: Path,
    samples: int,
    consumer: Callable[[Loop], Callable[[Iterable[Batch]], None]],
) -> None:
    folder.mkdir()
    per_shard = default_samples_per_shard(DEMO.sample_bytes, samples)
    store = feature_store(folder / "store", DEMO, samples, per_shard)
    with ExitStack() as stack:
        loops = [
            Loop(store, BATCH, feed=kind, window=2, options={"width": 128})
            for kind in ("resident", "stream")
        ]
        feeds: Feeds = {name: _Epochs(loop, stack) for name, loop in zip(OURS, loops, strict=True)}
        feeds |= _rivals(folder, store, loops[0])
        expected = _fingerprint(feeds[OURS[0]])
        for name, feed in feeds.items():  # starts the workers, and proves that all feed the same
            if _fingerprint(feed) != expected:
                raise RuntimeError(f"{name} does not deliver the samples of the store")
        consume = consumer(loops[0])
        timed: dict[str, list[float]] = {name: [] for name in feeds}
        names = list(feeds)
        for feed in (feeds[OURS[0]], feeds[OURS[1]]):  # the first steps of a training are slow
            consume(feed)
        for turn in range(scale.pairs):
            first = turn * len(names) // scale.pairs  # no feed has a place of its own in the round
            for name in names[first:] + names[:first]:
                feed = feeds[name]
                timed[name].append(seconds(lambda feed=feed: consume(feed)))
        settle(loops[0].device)
    behind = []
    batches = -(-samples // BATCH)
    for name in list(feeds)[len(OURS) :]:
        pairs = {ours: zip(timed[ours], timed[name], strict=True) for ours in OURS}
        ratios = {ours: ratio_of(list(pair)) for ours, pair in pairs.items()}
        rate = batches / next(iter(ratios.values())).b
        table.add(name, *ratios.values(), f"{rate:.1f}")
        for ours, ratio in ratios.items():
            table.figure(f"{name}: {ours}", ratio)
            behind += [f"{ours} behind {name} ({ratio})"] if ratio.high < 1 else []
    table.met = not behind
    rates = (f"{name} {batches / sorted(timed[name])[len(timed[name]) // 2]:.1f}" for name in OURS)
    table.notes.append(f"Batches/s: {', '.join(rates)}.")
    if behind:
        table.notes.append(f"Behind: {'; '.join(behind)}. {WHY}")
    table.notes.append("xbatcher's batches are neighbours in random order, no shuffle of samples.")


def _rivals(folder: Path, store: Path, loop: Loop) -> Feeds:
    arrays = {
        name: array.numpy() for name, array in loop.tensors(device=torch.device("cpu")).items()
    }
    count = len(arrays["source"])
    feeds: Feeds = {}
    for name, kind in (
        (".npy a sample", NpyRows),
        ("HDF5", Hdf5Rows),
        ("safetensors a sample", SafetensorsFiles),
        ("safetensors, one file", SafetensorsSlices),
        ("zarr array[i]", ZarrRows),
    ):
        path = store if kind is ZarrRows else folder / kind.__name__
        if kind is not ZarrRows:
            kind.write(path, arrays)
        for workers in (0, 2):
            feeds[f"{name}, {workers} workers"] = row_loader(kind(count, path), BATCH, workers)
    write_tars(folder / "tars", arrays)
    for workers in (0, 2):
        feeds[f"WebDataset, {workers} workers"] = tar_loader(folder / "tars", BATCH, workers)
    feeds["xbatcher over open_dataset"] = xbatcher_batches(store, BATCH)
    return feeds


class _Epochs:
    """One of our feeds, an epoch each time that it is iterated."""

    def __init__(self, loop: Loop, stack: ExitStack):
        self._loop, self._feed, self._epoch = loop, stack.enter_context(loop.feed()), 0

    def __iter__(self) -> Iterator[Batch]:
        order = epoch_order(self._loop.config.seed, self._epoch, self._loop.setting.geometry)
        self._epoch += 1
        return self._feed.batches(order)


def _fingerprint(feed: Iterable[Batch]) -> list[tuple[float, ...]]:
    """What an epoch delivered, whatever its order: the first row of each sample's arrays."""
    found = []
    for batch in feed:
        rows = torch.cat([batch[name][:, 0, 0, :4].float() for name in ("source", "target")], 1)
        found += [tuple(row) for row in rows.tolist()]
    return sorted(found)


def _table(question: str, bar: str) -> Table:
    return Table(question, ("rival", *OURS, "rival's batches/s"), bar=bar)
