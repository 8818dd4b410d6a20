"""A decoding by the workers of a cluster: they write files, this process puts them in place."""

import itertools
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from atdt.cluster import crew, threads_of
from atdt.decode.bench import DecodingBench, Order, Unit, description
from atdt.decode.config import Output
from atdt.decode.ledger import ledger_digest
from atdt.decode.output import open_folder
from atdt.decode.pipeline import Predictor
from atdt.domains import absolute_spec
from atdt.predictions import LEDGER
from atdt.progress import progress

UNIT_IMAGES = 64  # of one block at most
UNITS_EACH = 8  # of a worker at least, so that all end at about the same time


def predict_by_workers(
    config: Output,
    prepare: Callable[..., Predictor],
    predictor: Predictor,
    say: Callable[[str], Any],
) -> None:
    """Have every batch that is not on disk yet predicted, then finish the folder.

    A file gets its place and its line in the ledger here, so that whatever a worker does late, or
    twice, harms nothing.

    Args:
        prepare: what made `predictor`, and makes another one in each worker.
    """
    order = Order(prepare, _absolute(config), predictor.known)
    threads = threads_of(config.threads, config.cluster)
    with crew(config.cluster, "predict", DecodingBench, order, threads, say) as workers:
        device = workers.description["device"]
        workers.expect(description(device, predictor.header))
        computed = {**predictor.header["computed"], "device": device.split()[0]}
        header = {**predictor.header, "computed": computed}
        with open_folder(predictor.task, header, predictor.source, config) as writer:
            if writer.complete:
                return
            todo = writer.to_do(predictor.source.batches)
            digest = ledger_digest(config.out / LEDGER)
            share = len(todo) // (UNITS_EACH * workers.size)
            each = max(1, min(UNIT_IMAGES // config.batch, share))
            units = (Unit(batches, digest) for batches in itertools.batched(todo, each))
            with (
                progress("predict", sum(len(batch.images) for batch in todo), "images") as advance,
                closing(workers.results(units)) as results,
            ):
                for _, files in results:
                    writer.take_in(files)
                    advance(len(files))
            writer.finish()


def _absolute(config: Output) -> Output:
    """The same for a process that has another current folder."""
    paths = {
        name: value.absolute() for name, value in vars(config).items() if isinstance(value, Path)
    }
    domain = config.domain and absolute_spec(config.domain)
    return replace(config, **paths, domain=domain, skip_bad=False)
