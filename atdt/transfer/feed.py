"""Two ways to feed G: from a store held in memory, and from windows of blocks read ahead.

Both follow the same `Epoch` and yield the same batches to the bit; which one it is depends on what
fits (`atdt.transfer.memory`). No worker processes, no xarray, no dask: a batch is rows gathered
from tensors.

Where several ranks train together, each yields its own part of every batch. The ranks of one
machine share the memory that arrays or windows are held in, and divide the blocks to be read.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor

from atdt.progress import progress
from atdt.ranks import ALONE, Ranks
from atdt.stores import READ_THREADS
from atdt.transfer.order import Epoch

Batch = dict[str, Tensor]
B_SOURCE, B_LABEL = "source of B", "label of B"  # beside "source", "target" and "label", of A


class Reader(Protocol):
    """What a feed needs of an array of a store (`atdt.stores.FeatureReader`)."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def blocks(self) -> int: ...

    def block_range(self, block: int) -> tuple[int, int]: ...

    def read_block(self, block: int, out: np.ndarray | None = None) -> np.ndarray: ...


class ResidentFeed:
    """Reads all arrays once, in their stored dtype, and gathers batches from memory.

    Args:
        readers: by name; arrays of the same samples.
        device: where batches go.
        held_on: where the arrays are held: `device`, or the CPU when they do not fit there. Each
            rank has a GPU of its own, which holds all.
        ranks: that learn from it together.
    """

    def __init__(
        self,
        readers: Mapping[str, Reader],
        device: torch.device,
        held_on: torch.device,
        ranks: Ranks = ALONE,
    ):
        self._device = device
        self._ranks = ranks
        blocks = range(next(iter(readers.values())).blocks)
        if held_on.type == "cpu":
            empty, blocks = ranks.empty, ranks.mine_of_machine(blocks)
        else:
            empty = partial(torch.empty, device=held_on)
        self._arrays = {
            name: empty(reader.shape, dtype=torch_dtype(reader)) for name, reader in readers.items()
        }

        def read(block: int) -> None:
            for name, reader in readers.items():
                start, stop = reader.block_range(block)
                _read_into(self._arrays[name][start:stop], reader, block)

        with (
            ThreadPoolExecutor(READ_THREADS, thread_name_prefix="blocks") as pool,
            progress("read the store", total=len(blocks), unit="blocks") as advance,
        ):
            for _ in pool.map(read, blocks):
                advance()
        ranks.wait()

    def batches(self, epoch: Epoch, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from batch `first` on, in the stored dtypes, on the device; of
        each this rank's part."""
        for samples in epoch.indices(first):
            yield self._gather(samples[self._ranks.part(len(samples))])

    def held_out(self, samples: np.ndarray, batch: int) -> Iterator[Batch]:
        """`samples`, `batch` at a time, in their order; ranks take turns."""
        for start in self._ranks.mine(range(0, len(samples), batch)):
            yield self._gather(samples[start : start + batch])

    def _gather(self, samples: np.ndarray) -> Batch:
        return {name: gather(array, samples, self._device) for name, array in self._arrays.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._arrays.clear()


class StreamingFeed:
    """Reads windows of blocks on threads into two sets of buffers, one window ahead.

    Memory: two windows of all arrays, and the held-out samples, however large the store is.

    Args:
        readers: by name; arrays of the same samples with the same blocks.
        device: where batches go.
        blocks_per_window: of the orders that will be asked for.
        held_out: samples that `held_out` will be asked for, read once, now.
        ranks: that learn from it together.
    """

    def __init__(
        self,
        readers: Mapping[str, Reader],
        device: torch.device,
        blocks_per_window: int,
        held_out: np.ndarray,
        ranks: Ranks = ALONE,
    ):
        self._readers = readers
        self._device = device
        self._ranks = ranks
        self._per_block = _samples_per_block(readers)
        rows = blocks_per_window * self._per_block
        self._held_samples = held_out
        self._held = self._read_rows(held_out)
        pinned = device.type == "cuda"  # copies to the GPU from pageable memory are slower
        self._buffers = [
            {
                name: ranks.empty((rows, *reader.shape[1:]), torch_dtype(reader), pinned)
                for name, reader in readers.items()
            }
            for _ in range(2)
        ]
        self._threads = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="blocks")

    def batches(self, epoch: Epoch, first: int = 0) -> Iterator[Batch]:
        """See `ResidentFeed.batches`."""
        begin = int(np.searchsorted(epoch.ends, first * epoch.batch, side="right"))
        windows = range(begin, len(epoch.windows))
        if not windows:
            return
        self._ranks.wait()  # until none reads the last epoch's windows any more
        reading = self._read_ahead(epoch.windows[begin], 0)
        left = epoch.indices(first)  # batches that are not begun
        batch, done = next(left), 0  # the one that is, and how much of it earlier windows had
        started: Batch | None = None
        try:
            for turn, window in enumerate(windows):
                for block in reading:
                    block.result()
                self._ranks.wait()  # until all have read theirs, and left the other buffers
                buffers = self._buffers[turn % 2]
                if window + 1 < len(epoch.windows):
                    reading = self._read_ahead(epoch.windows[window + 1], (turn + 1) % 2)
                samples = epoch.window_samples(window, first)
                rows = self._rows(samples, epoch.windows[window])
                while len(rows):
                    own = self._ranks.part(len(batch))
                    end = min(done + len(rows), len(batch))
                    piece = rows[max(own.start - done, 0) : max(own.stop - done, 0)]
                    rows, done = rows[end - done :], end
                    made = {n: gather(b, piece, self._device) for n, b in buffers.items()}
                    started = _joined(started, made) if started else made
                    if done == len(batch):
                        yield started
                        batch, done, started = next(left, batch), 0, None
        finally:
            _settle(reading)

    def held_out(self, samples: np.ndarray, batch: int) -> Iterator[Batch]:
        """See `ResidentFeed.held_out`; `samples` must be those the feed was given."""
        if not np.array_equal(samples, self._held_samples):
            raise ValueError("other held-out samples than the feed has read")
        rows = np.arange(len(samples))
        for start in self._ranks.mine(range(0, len(rows), batch)):
            piece = rows[start : start + batch]
            yield {name: gather(held, piece, self._device) for name, held in self._held.items()}

    def _read_ahead(self, blocks: np.ndarray, turn: int) -> list[Future[None]]:
        """Have the threads read a window into the buffers of that turn."""

        def read(name: str, slot: int, block: int) -> None:
            reader = self._readers[name]
            start, stop = reader.block_range(block)
            row = slot * self._per_block
            _read_into(self._buffers[turn][name][row : row + stop - start], reader, block)

        return [
            self._threads.submit(read, name, slot, int(block))
            for slot, block in self._ranks.mine_of_machine(list(enumerate(blocks)))
            for name in self._readers
        ]

    def _rows(self, samples: np.ndarray, blocks: np.ndarray) -> np.ndarray:
        """Where in the buffers of a window its samples lie."""
        slots = np.empty(int(blocks.max()) + 1, np.int64)
        slots[blocks] = np.arange(len(blocks))
        block, inside = np.divmod(samples, self._per_block)
        return slots[block] * self._per_block + inside

    def _read_rows(self, samples: np.ndarray) -> Batch:
        """Single samples of all arrays, in the order given, a block at a time."""
        found = {
            name: self._ranks.empty((len(samples), *reader.shape[1:]), torch_dtype(reader))
            for name, reader in self._readers.items()
        }
        block_of = samples // self._per_block
        for block in self._ranks.mine_of_machine(np.unique(block_of)):
            places = np.flatnonzero(block_of == block)
            inside = samples[places] - block * self._per_block
            for name, reader in self._readers.items():
                rows = torch.from_numpy(reader.read_block(int(block))[inside])
                found[name][torch.from_numpy(places)] = rows
        self._ranks.wait()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._buffers.clear()


def gather(array: Tensor, rows: np.ndarray, device: torch.device) -> Tensor:
    """Rows of `array`, in its dtype, on `device`."""
    index = torch.from_numpy(rows).to(array.device)
    return array.index_select(0, index).to(device)


def torch_dtype(reader: Reader) -> torch.dtype:
    """The torch dtype of an array's values."""
    return torch.from_numpy(np.empty(0, reader.dtype)).dtype


def _samples_per_block(readers: Mapping[str, Reader]) -> int:
    starts_stops = {reader.block_range(0) for reader in readers.values()}
    if len(starts_stops) != 1:
        raise ValueError("the arrays have other blocks than each other")
    start, stop = starts_stops.pop()
    return stop - start


def _read_into(rows: Tensor, reader: Reader, block: int) -> None:
    if rows.device.type == "cpu":
        reader.read_block(block, out=rows.numpy())
    else:
        rows.copy_(torch.from_numpy(reader.read_block(block)))


def _joined(first: Batch, second: Batch) -> Batch:
    return {name: torch.cat([first[name], second[name]]) for name in first}


def _settle(reading: list[Future[None]]) -> None:
    """Wait for reads that nobody needs any more: their buffers must not change under the next."""
    wait([block for block in reading if not block.cancel()])
