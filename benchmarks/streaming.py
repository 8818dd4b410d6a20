"""What G's training loses where the store is larger than its memory budget and is streamed.

Ours: `train`'s choice of a feed under a budget below the store's size, and its batches. Theirs: as
many samples as a window holds, as tensors in memory, `torch.randperm` and `index_select`. The same
G (the default, loss "mse") and batches. One turn is a window of steps, during which the next one is
read; a read that is not over when the turn ends is waited for within the turn.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import torch

from atdt.sizes import said
from atdt.stores import READ_THREADS
from atdt.transfer.feed import Batch, StreamingFeed
from benchmarks.harness import Ratio, Scale, Table, interleaved, ratio_of, seconds
from benchmarks.loops import Loop, plain_batches, settle, steps
from benchmarks.material import PAPER, feature_store

BAR = 0.85
BATCH = 4


def measure(scale: Scale, folder: Path) -> list[Table]:
    """The paper's shape: 2048×32×32 in float16, E1 and E2, 8 MiB a sample."""
    samples, window, per_shard = scale.of(256, 24), scale.of(2, 1), scale.of(16, 8)
    store = feature_store(folder / "features", PAPER, samples, per_shard)
    block = 2 * per_shard * PAPER.sample_bytes
    budget = 2 * window * block + block // 2  # two windows, and little more
    loop = Loop(store, BATCH, window=window, memory_budget=budget)
    choice = loop.choice()
    if choice.kind != "stream":
        raise RuntimeError(f"the store was to be streamed, but: {choice.reason}")
    turn = window * per_shard // BATCH
    table = Table(
        "steps/s of G streaming a store larger than its budget ÷ over tensors in memory",
        ("store's files", "ratio [quartiles]", "ms a step, ours", "theirs", "MB/s needed"),
        bar=f"≥ {BAR} on the CPU from the page cache, default G at {PAPER.name}",
    )
    with loop.feed() as feed:
        settled = _settled(feed)
        ours = loop.batches(feed)
        tensors = loop.tensors(window * per_shard, loop.device)
        theirs = plain_batches(tensors, BATCH, loop.device)

        def stream() -> None:
            loop.train(steps(ours, turn))
            settled()

        def memory() -> None:
            loop.train_bare(steps(theirs, turn))

        cached = interleaved(stream, memory, scale.pairs)
        dropped = _interleaved_cold(stream, memory, scale.pairs, store)
        tables = [table]
        if loop.device.type == "cuda":
            tables.append(_link(loop, ours, settled, turn, scale))
    for name, ratio in (("in the page cache", cached), ("dropped from it before", dropped)):
        rate = turn * BATCH * loop.setting.sample_bytes / ratio.a / 1e6
        milliseconds = (f"{1e3 * side / turn:.0f}" for side in (ratio.a, ratio.b))
        table.add(name, ratio, *milliseconds, f"{rate:.0f}")
    table.figure("cached", cached)
    table.figure("dropped", dropped)
    table.figure("reason", choice.reason)
    table.met = cached.median >= BAR if loop.device.type == "cpu" else None
    table.notes += _notes(loop, store, choice.reason, turn, cached)
    return tables


def _settled(feed: StreamingFeed) -> Callable[[], None]:
    """Waits for the window that is being read ahead: what is handed to the feed's threads now
    comes after that, and they meet here when it is done."""

    def meet() -> None:
        barrier = Barrier(READ_THREADS + 1)
        for _ in range(READ_THREADS):
            feed._threads.submit(barrier.wait)
        barrier.wait()

    return meet


def _interleaved_cold(a: Callable, b: Callable, pairs: int, store: Path) -> Ratio:
    """As `interleaved`; before each A, outside its time, the store leaves the page cache."""
    timed = []
    for turn in range(pairs):
        first = seconds(b) if turn % 2 else None
        drop_from_cache(store)
        of_a = seconds(a)
        timed.append((of_a, seconds(b) if first is None else first))
    return ratio_of(timed)


def drop_from_cache(folder: Path) -> None:
    """Make the next read of all files below `folder` come from the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _notes(loop: Loop, store: Path, reason: str, turn: int, cached: Ratio) -> list[str]:
    """What bounds the ratio: reading alone, with nothing else on the processors."""
    hot = _read_window(loop)
    drop_from_cache(store)
    cold = _read_window(loop)
    bytes_read = turn * BATCH * loop.setting.sample_bytes
    windows = loop.setting.geometry.blocks / loop.setting.geometry.blocks_per_window
    epoch = cached.median * windows * cached.a / (windows * cached.a + hot)
    return [
        f"feed: {reason}",
        f"Reading a window alone ({said(bytes_read)}, checksums included): {hot:.2f} s from the "
        f"page cache ({bytes_read / hot / 1e9:.2f} GB/s), {cold:.2f} s from the disk "
        f"({bytes_read / cold / 1e9:.2f} GB/s); its steps take {cached.b:.2f} s.",
        f"Bound: read ahead on a processor of its own it costs nothing while it is the shorter of "
        f"the two; where every processor computes, at least 1 ÷ (1 + read ÷ steps ÷ "
        f"{os.cpu_count()}) = {1 / (1 + hot / cached.b / (os.cpu_count() or 1)):.2f} is left.",
        f"The first window of an epoch has no steps to hide behind: over a whole epoch of "
        f"{windows:.3g} windows that makes {epoch:.2f} of {cached.median:.2f}.",
    ]


def _read_window(loop: Loop) -> float:
    """Seconds of reading the blocks of a window, as the feed does, and nothing else."""
    readers = loop.setting.readers.values()
    wanted = [
        (reader, block, reader.read_block(0))
        for block in range(1, loop.setting.geometry.blocks_per_window + 1)
        for reader in readers
    ]
    with ThreadPoolExecutor(READ_THREADS) as threads:
        start = time.perf_counter()
        list(threads.map(lambda asked: asked[0].read_block(*asked[1:]), wanted))
        return time.perf_counter() - start


def _link(
    loop: Loop, ours: Iterator[Batch], settled: Callable[[], None], turn: int, scale: Scale
) -> Table:
    """On a GPU: how much of the link to it streaming alone fills."""
    table = Table(
        "bytes/s that streaming brings to the GPU ÷ copies of pinned memory",
        ("what", "ratio [quartiles]", "GB/s"),
    )
    shape = (BATCH * loop.setting.sample_bytes,)
    pinned = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
    on_device = torch.empty(shape, dtype=torch.uint8, device=loop.device)

    def stream() -> None:
        for batch in steps(ours, turn):
            float(sum(array.flatten()[0] for array in batch.values()))
        settled()

    def copies() -> None:
        for _ in range(turn):
            on_device.copy_(pinned, non_blocking=True)
        settle(loop.device)

    ratio = interleaved(stream, copies, scale.pairs)
    moved = turn * shape[0] / 1e9
    table.add("streaming, no step taken", ratio, f"{moved / ratio.a:.2f}")
    table.add("pinned copies", "1", f"{moved / ratio.b:.2f}")
    table.figure("share", ratio)
    return table
