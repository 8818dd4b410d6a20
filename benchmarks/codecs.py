"""Which dtype and codec to take: bytes on disk against what is lost on B after the whole road.

Lossless codecs give the same features to the bit, so one training stands for all of them; what
rounds features is trained, decoded on B and measured, over several seeds of G.
"""

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atdt.decode import Decoding, decode
from atdt.domains import ViewPlan
from atdt.domains.streets import RenderConfig, render
from atdt.evaluate import Evaluation, evaluate
from atdt.evaluate.records import load_measured
from atdt.experiments.preset import DEMO, SMOKE, Preset
from atdt.extract import Extraction, extract
from atdt.stores import FeatureReader, FeatureWriter, create_store, open_store
from atdt.training import TaskTraining, train_task
from atdt.transfer import TransferTraining, train
from benchmarks.harness import Scale, Table

# T1 → T2, and where in metrics.json T2's figure is.
DIRECTIONS = (("semantic", "depth"), ("depth", "semantic"))
SEEDS = (0, 1, 2)
STEPS = 200  # of the task networks and of G, on batches of 8: enough for a loss to show, in minutes
BATCH = 8  # of G


@dataclass(frozen=True)
class Stored:
    """A way to store features; `like` names the one that holds the same values to the bit."""

    name: str
    options: dict[str, Any]
    like: str | None = None


WAYS = (
    Stored("float16, none (default)", {}),
    Stored("float16, zstd", {"compressor": "zstd"}, "float16, none (default)"),
    Stored("float16, lz4 + bitshuffle", {"compressor": "lz4"}, "float16, none (default)"),
    Stored("float32, none", {"dtype": "float32"}),
    Stored("float16, 5 bits kept, zstd", {"compressor": "zstd", "keep_bits": 5}),
    Stored("float16, 3 bits kept, zstd", {"compressor": "zstd", "keep_bits": 3}),
    Stored("float16, 1 bit kept, zstd", {"compressor": "zstd", "keep_bits": 1}),
)


def measure(scale: Scale, folder: Path) -> list[Table]:
    """One table: a row for each way to store features."""
    preset = SMOKE if scale.quick else DEMO
    steps = min(STEPS, preset.steps)
    seeds = SEEDS[: scale.of(len(SEEDS), 2)]
    render(
        RenderConfig(
            out=folder / "data",
            train=preset.train,
            val=preset.val,
            test=preset.test,
            size=preset.size,
            right=False,
        )
    )
    runs = _task_networks(folder, preset, steps)
    full = _extracted(folder, preset, runs)
    stores = {way.name: _stored(way, full, folder) for way in WAYS}
    arrays = _arrays(stores[WAYS[0].name])
    plain = _bytes(stores[WAYS[0].name], arrays)
    scores: dict[str, list[list[float]]] = {}
    table = Table(
        "dtypes and codecs: bytes on disk ÷ float16 uncompressed, and the score on B",
        ("stored as", "bytes ÷ plain", "Sem→Dep abs rel × focal", "Dep→Sem mIoU %"),
    )
    for way in WAYS:
        share = _bytes(stores[way.name], arrays) / plain
        table.figure(f"{way.name}: bytes", share)
        if way.like is not None:
            _prove_equal(stores[way.name], stores[way.like], arrays)
            table.add(way.name, f"{share:.3f}", "the same bits", "the same bits")
            continue
        scores[way.name] = [
            [
                _score(way, folder, preset, steps, runs, stores[way.name], direction, seed)
                for seed in seeds
            ]
            for direction in DIRECTIONS
        ]
        cells = [
            _with_difference(*pair)
            for pair in zip(scores[way.name], scores[WAYS[0].name], strict=True)
        ]
        for (_, target), values in zip(DIRECTIONS, scores[way.name], strict=True):
            for seed, value in zip(seeds, values, strict=True):
                table.figure(f"{way.name}: {target}, seed {seed}", value)
        table.add(way.name, f"{share:.3f}", *cells)
    table.notes += [
        f"Streets, {preset.train} images × {preset.views} views, tiny network, {steps} steps each;",
        f"mean ± standard deviation over {len(seeds)} seeds of G; in brackets the mean of paired",
        "differences to the default, ± their standard deviation. One seed of the encoders.",
    ]
    return [table]


def _task_networks(folder: Path, preset: Preset, steps: int) -> dict[tuple[str, bool], Path]:
    """Networks by (task, whether trained on A ∪ B): N1 is, N2 is not."""
    runs = {}
    for task in ("semantic", "depth"):
        for both in (True, False):
            out = folder / "runs" / f"{task}-{'ab' if both else 'a'}"
            domains = "ab" if both else "a"
            config = TaskTraining(
                task=task,
                train=tuple(f"{folder / 'data' / letter}:train" for letter in domains),
                validation=tuple(f"{folder / 'data' / letter}:val" for letter in domains),
                network=preset.network,
                out=out,
                steps=steps,
                batch=preset.batch,
                learning_rate=preset.learning_rate,
                photometric=preset.photometric,
                precision=preset.precision,
                validate_every=steps,
                checkpoint_every=steps,
            )
            runs[task, both] = train_task(config)
    return runs


def _extracted(folder: Path, preset: Preset, runs: dict[tuple[str, bool], Path]) -> Path:
    """All four encoders of A in float32, and the labels of both tasks."""
    return extract(
        Extraction(
            domain=f"{folder / 'data' / 'a'}:train",
            encoders=tuple((_array(task, both), run) for (task, both), run in runs.items()),
            out=folder / "stores" / "full.zarr",
            plan=ViewPlan(views=preset.views, photometric=preset.photometric),
            labels=("semantic", "depth"),
            dtype="float32",
        )
    )


def _stored(way: Stored, full: Path, folder: Path) -> Path:
    """What `extract` would have stored that way: the same features, given to the same writer."""
    source, path = open_store(full), folder / "stores" / f"{WAYS.index(way)}.zarr"
    samples_per_shard = source.samples_per_shard
    made = create_store(path, source.samples, source.plan, source.domain, samples_per_shard)
    dtype = way.options.get("dtype", "float16")
    rest = {key: value for key, value in way.options.items() if key != "dtype"}
    for level in source.levels():
        for name in source.arrays(level):
            reader = source.features(level, name)
            _copy(
                reader,
                made.feature_writer(level, name, reader.shape[1:], dtype, reader.attrs, **rest),
            )
    for kind in source.labels():
        reader = source.labels_reader(kind)
        _copy(reader, made.label_writer(kind, reader.shape[1:], str(reader.dtype), reader.attrs))
    return path


def _copy(reader: FeatureReader, writer: FeatureWriter) -> None:
    with writer:
        for block in writer.missing_blocks():
            writer.write_block(block, reader.read_block(block))
        writer.finish()


def _score(
    way: Stored,
    folder: Path,
    preset: Preset,
    steps: int,
    runs: dict[tuple[str, bool], Path],
    store: Path,
    direction: tuple[str, str],
    seed: int,
) -> float:
    """T2's figure on B of a G that was trained from `store`."""
    source, target = direction
    name = f"{WAYS.index(way)}-{target}-{seed}"
    run = train(
        TransferTraining(
            store=store,
            source=_array(source, both=True),
            target=_array(target, both=False),
            out=folder / "transfers" / name,
            options={"width": preset.width},
            losses=preset.losses,
            target_run=runs[target, False],
            steps=min(steps, preset.transfer_steps),
            batch=min(BATCH, preset.transfer_batch),
            learning_rate=preset.transfer_learning_rate,
            precision=preset.precision,
            seed=seed,
        )
    )
    domain = f"{folder / 'data' / 'b'}:test"
    predictions = decode(
        Decoding(
            transfer=run,
            encoder=runs[source, True],
            decoder=runs[target, False],
            domain=domain,
            out=folder / "predictions" / name,
            precision=preset.precision,
        )
    )
    measured = load_measured(
        evaluate(Evaluation(predictions=predictions, domain=domain, bootstrap=0))
    )
    scores = measured.info["scores"]
    return scores["focal/abs_rel"] if target == "depth" else 100 * scores["miou"]


def _array(task: str, both: bool) -> str:
    return f"{task}_{'ab' if both else 'a'}"


def _arrays(path: Path) -> list[tuple[str, str]]:
    store = open_store(path)
    return [(level, name) for level in store.levels() for name in store.arrays(level)]


def _bytes(path: Path, arrays: list[tuple[str, str]]) -> int:
    """Of the features' shards on disk."""
    folders = [path / level / name / "c" for level, name in arrays]
    return sum(f.stat().st_size for folder in folders for f in folder.rglob("*") if f.is_file())


def _prove_equal(ours: Path, theirs: Path, arrays: list[tuple[str, str]]) -> None:
    for level, name in arrays:
        one, other = (open_store(path).features(level, name) for path in (ours, theirs))
        for block in range(one.blocks):
            if not np.array_equal(one.read_block(block), other.read_block(block)):
                raise RuntimeError(f"{ours}: {level}/{name} differs from {theirs}")


def _with_difference(values: list[float], reference: list[float]) -> str:
    own = f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"
    if values is reference:
        return own
    apart = [a - b for a, b in zip(values, reference, strict=True)]
    return f"{own} ({statistics.mean(apart):+.4f} ± {statistics.stdev(apart):.4f})"
