"""What a worker does of an extraction: it computes a block and writes its shards."""

import threading
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import torch

from atdt.devices import described, pick_device
from atdt.errors import StoreError, WorkerError
from atdt.extract.arrays import Array, wanted_arrays
from atdt.extract.config import Extraction
from atdt.extract.encoders import load_encoders
from atdt.extract.labels import open_labelled
from atdt.extract.samples import Samples
from atdt.extract.writing import Work, fill, read_ahead
from atdt.stores import Shard, ShardWriter, open_shard_writer
from atdt.stores.provenance import NOTES


@dataclass(frozen=True)
class Order:
    """What a worker is to open.

    Attributes:
        config: of the extraction; its paths are absolute.
        size: (height, width) of all views.
        left_out: lines of the domain's list that --skip-bad left out.
    """

    config: Extraction
    size: tuple[int, int]
    left_out: tuple[int, ...]


@dataclass(frozen=True)
class Unit:
    """A block, and the arrays that lack it: sha256 of their metadata, by path."""

    block: int
    arrays: dict[str, str]


class ExtractionBench:
    """Encoders and images that are ready; see `atdt.cluster.Bench`.

    Two units share it: while one is computed, the other is read or written.
    """

    def __init__(self, order: Order):
        self._config = config = order.config
        self._device = pick_device(config.device)
        domain = open_labelled(config, without=order.left_out)
        self._samples = Samples(domain, config.plan, order.size)
        self._encoders = load_encoders(config, self._device)
        device = described(self._device)
        arrays = wanted_arrays(config, self._samples, self._encoders, device)
        self._arrays = {array.path: array for array in arrays}
        self._writer = lru_cache(None)(self._open_writer)
        self._turn = threading.Lock()
        self.description = description(domain.digest(), device, arrays)

    def work(self, unit: Unit) -> dict[str, Shard]:
        """Write the shards of a block, by the path of their array; they are not committed yet.

        Raises:
            WorkerError: the store is not on this machine.
            DomainError, NumericsError, StoreError: as `atdt.extract.extract`.
        """
        writers = {path: self._writer(path, digest) for path, digest in unit.arrays.items()}
        start, stop = next(iter(writers.values())).grid.block_range(unit.block)
        names = [self._samples.sample_id(sample) for sample in range(start, stop)]
        arrays = tuple(self._arrays[path] for path in writers)
        drafts = {array: writers[array.path].draft(unit.block, names) for array in arrays}
        to_do = [Work(unit.block, start, stop, arrays)]
        with closing(read_ahead(self._config, self._samples, to_do)) as batches:
            first = next(batches)  # reading begins before it is our turn to compute
            with self._turn, torch.backends.cudnn.flags(enabled=True, deterministic=True):
                for batch in chain([first], batches):
                    fill(drafts, batch, self._encoders, self._config.precision, self._device)
        return {array.path: writers[array.path].write(draft) for array, draft in drafts.items()}

    def _open_writer(self, path: str, digest: str) -> ShardWriter:
        try:
            return open_shard_writer(self._config.out, path, digest)
        except StoreError as error:
            raise WorkerError(str(error)) from None


def description(domain: str, device: str, arrays: tuple[Array, ...]) -> dict[str, Any]:
    """What all workers of an extraction, and its client, must agree on.

    Args:
        domain: its digest.
        device: in words.
    """
    made = {
        array.path: {k: v for k, v in array.provenance.items() if k not in NOTES}
        for array in arrays
    }
    return {"domain": domain, "device": device, "arrays": made}
