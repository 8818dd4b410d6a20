"""An extraction by the workers of a cluster: they write shards, this process commits them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from atdt.cluster import Crew, crew, threads_of
from atdt.domains import absolute_spec
from atdt.extract.arrays import Array, wanted_arrays
from atdt.extract.bench import ExtractionBench, Order, Unit, description
from atdt.extract.config import Extraction
from atdt.extract.encoders import Encoder
from atdt.extract.samples import Samples
from atdt.extract.writing import work_to_do
from atdt.progress import progress
from atdt.stores import FeatureWriter, Store


@contextmanager
def hired(
    config: Extraction,
    samples: Samples,
    encoders: tuple[Encoder, ...],
    say: Callable[[str], Any],
) -> Iterator[tuple[Crew, tuple[Array, ...]]]:
    """The workers, and the arrays as they will make them.

    Raises:
        UserError: as `atdt.cluster.crew`.
        WorkerError: a worker has other images or networks than this process.
    """
    theirs = replace(
        config,
        domain=absolute_spec(config.domain),
        encoders=tuple((name, path.absolute()) for name, path in config.encoders),
        out=config.out.absolute(),
        pseudo_labels=tuple(path.absolute() for path in config.pseudo_labels),
        skip_bad=False,
    )
    order = Order(theirs, samples.size, samples.domain.left_out)
    threads = threads_of(config.threads, config.cluster)
    with crew(config.cluster, "extract", ExtractionBench, order, threads, say) as workers:
        device = workers.description["device"]
        arrays = wanted_arrays(config, samples, encoders, device)
        workers.expect(description(samples.domain.digest(), device, arrays))
        yield workers, arrays


def write_by_workers(store: Store, writers: Mapping[Array, FeatureWriter], workers: Crew) -> None:
    """Have every block that an array lacks computed and written; commit it as it comes.

    A shard gets its name and its line in the ledger here, from the only process that holds the
    array's lock, so that whatever a worker does late, or twice, harms nothing.

    Raises:
        UserError: as `atdt.cluster.Crew.results`.
        StoreError: the disk is full or fails, or a shard is not on this machine.
    """
    by_path = {array.path: writer for array, writer in writers.items()}
    to_do = list(work_to_do(store, writers))
    units = (
        Unit(work.block, {array.path: writers[array].metadata_digest for array in work.arrays})
        for work in to_do
    )
    with (
        progress("extract", sum(work.stop - work.start for work in to_do), "samples") as advance,
        closing(workers.results(units)) as results,
    ):
        for unit, shards in results:
            for path, shard in shards.items():
                by_path[path].commit(shard)
            start, stop = store.block_range(unit.block)
            advance(stop - start)
