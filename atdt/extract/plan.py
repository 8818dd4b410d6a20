"""What an extraction will take, also a much larger one than the domain at hand, by many workers."""

import time
from dataclasses import dataclass, replace

import torch

from atdt.cluster import threads_of
from atdt.devices import torch_threads
from atdt.errors import UserError
from atdt.extract.config import Extraction
from atdt.extract.encoders import Encoder
from atdt.extract.estimate import ExtractionEstimate, estimate
from atdt.extract.labels import label_kinds
from atdt.extract.opening import existing_store, opened
from atdt.extract.requests import (
    ASSUMED,
    FILES_OF_ROOT,
    Prices,
    RemoteDomain,
    Requests,
    requests_of,
)
from atdt.extract.samples import Samples
from atdt.extract.writing import READERS
from atdt.places import is_remote
from atdt.sizes import said

TIMED_BATCHES = 2
FILES_OF_ARRAY = 2  # metadata and ledger, besides the shards


@dataclass(frozen=True)
class ExtractionPlan:
    """What an extraction will take.

    Attributes:
        estimate: of what is to be written.
        workers: processes that compute, each on a block at a time; None where this one does alone.
        threads: that each of them computes with.
        rate: samples a second of one of them.
        measured: whether the rate was; else it was given.
        new: whether the store is yet to be made.
        domain: where its images are requests too.
        prices: of requests to an object store.
    """

    estimate: ExtractionEstimate
    workers: int | None
    threads: int
    rate: float
    measured: bool
    new: bool = True
    domain: RemoteDomain | None = None
    prices: Prices = ASSUMED

    @property
    def blocks(self) -> int:
        """Units of work."""
        return max((array.blocks for array in self.estimate.arrays), default=0)

    @property
    def seconds(self) -> float:
        """Decoding, computing and writing; workers that have no block left wait for the others."""
        if not self.blocks:
            return 0.0
        left = max(array.samples for array in self.estimate.arrays)
        turns = -(-self.blocks // (self.workers or 1))
        return turns * (left / self.blocks) / self.rate

    @property
    def shards(self) -> int:
        return sum(array.blocks for array in self.estimate.arrays)

    @property
    def files(self) -> int:
        """Of a whole store that holds these arrays."""
        grid = -(-self.estimate.samples // self.estimate.samples_per_shard)
        arrays = self.estimate.arrays
        groups = len({array.path.partition("/")[0] for array in arrays})
        return FILES_OF_ROOT + groups + len(arrays) * (FILES_OF_ARRAY + grid)

    @property
    def requests(self) -> Requests:
        """What all of it asks of an object store."""
        return requests_of(
            self.estimate, self.workers, self.seconds, new=self.new, domain=self.domain
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it for a user."""
        made = self.estimate
        lines = list(made.lines)
        shards = sum(array.shard_bytes for array in made.arrays)
        lines.append(
            f"{self.blocks:,} blocks of {made.samples_per_shard:,} samples; {self.files:,} files, "
            f"{said(shards)} in {self.shards:,} shards"
        )
        asked = self.requests
        lines.append(
            f"as objects: {self.files:,}; {asked.writes + asked.lists:,} requests that write or "
            f"list, {asked.reads:,} that read"
        )
        lines.append(f"requests cost about {asked.cost(self.prices)}")
        workers = self.workers or 1
        idle = workers - self.blocks
        if self.blocks and idle > 0:
            fewer = max(1, made.samples // workers)
            lines.append(
                f"{idle:,} of {workers:,} workers will have nothing to do; "
                f"--samples-per-shard {fewer} gives each a block"
            )
        how = "measured on a few batches" if self.measured else "as given"
        by = "" if workers == 1 else f" by {workers:,} workers"
        lines.append(
            f"about {_duration(self.seconds)}{by}, at {self.rate:.3g} samples/s "
            f"with {self.threads} thread{'s' * (self.threads > 1)}, {how}"
        )
        return tuple(lines)


def plan_extraction(
    config: Extraction,
    *,
    images: int | None = None,
    rate: float | None = None,
    prices: Prices = ASSUMED,
) -> ExtractionPlan:
    """What `extract(config)` would write and how long it would take; nothing is written.

    Args:
        config: its cluster says how many workers; they may be of other machines.
        images: plan for as many, of which the domain shows what they are like.
        rate: samples a second of one worker; measured here, by one process, when None.
        prices: of requests to an object store.

    Raises:
        UserError: as `atdt.extract.extract`, or a number that cannot be meant.
    """
    config.check()
    workers = _workers(config)
    prices.check()
    for option, value in (("--images", images), ("--rate", rate)):
        if value is not None and not value > 0:
            raise UserError(f"{option} {value}: must be above 0")
    with torch_threads(threads_of(config.threads, config.cluster)):
        config = replace(config, cluster=None)
        device, samples, encoders, arrays = opened(config)
        store = existing_store(config, samples, arrays) if images is None else None
        images = images or len(samples.domain)
        made = estimate(config, samples, arrays, store, images * config.plan.views)
        domain = None
        if is_remote(samples.domain.root):
            domain = RemoteDomain(images, samples.keeps(images))
        return ExtractionPlan(
            estimate=made,
            workers=workers,
            threads=torch.get_num_threads(),
            rate=rate or _measured_rate(config, samples, encoders, device),
            measured=rate is None,
            new=store is None,
            domain=domain,
            prices=prices,
        )


def _workers(config: Extraction) -> int | None:
    if config.cluster is None:
        return None
    if config.cluster.workers is None:
        raise UserError(
            f"--dask {config.cluster.address}: a plan asks nobody; say how many by --workers"
        )
    return config.cluster.workers


def _measured_rate(
    config: Extraction,
    samples: Samples,
    encoders: tuple[Encoder, ...],
    device: torch.device,
) -> float:
    """Samples a second, from a few batches after a first one that warms up.

    Decoding overlaps with the encoders, so the slower of the two counts.
    """
    reading = computing = 0.0
    timed = 0
    for turn in range(1 + TIMED_BATCHES):
        start = turn * config.batch % len(samples)
        stop = min(start + config.batch, len(samples))
        begun = time.perf_counter()
        batch = samples.read(start, stop, bool(encoders), label_kinds(config, samples.domain))
        read = time.perf_counter()
        for encoder in encoders:
            found = encoder.features(
                torch.from_numpy(batch.images).to(device), encoder.levels, config.precision
            )
            for features in found.values():
                features.cpu()  # waits for the GPU, as the extraction does
        if turn:
            timed += stop - start
            reading += read - begun
            computing += time.perf_counter() - read
    return timed / max(reading / READERS, computing)


def _duration(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
