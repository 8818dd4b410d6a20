"""Phase 1: features of frozen encoders, from images of a domain to a feature store."""

import dataclasses
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from atdt.cluster import threads_of
from atdt.devices import described, pick_device, torch_threads
from atdt.domains import open_domain
from atdt.extract.arrays import Array, open_root, open_writer, wanted_arrays
from atdt.extract.by_workers import hired, write_by_workers
from atdt.extract.config import Extraction
from atdt.extract.encoders import Encoder, load_encoders
from atdt.extract.estimate import ExtractionEstimate, estimate, measure_seconds, refuse_full_disk
from atdt.extract.samples import Samples
from atdt.extract.writing import write_arrays
from atdt.stores import Store

Say = Callable[[str], Any]


def extract(config: Extraction, say: Say = lambda line: None) -> Path:
    """Run frozen encoders over the views of a domain, and store their features.

    An array that is complete is left as it is; others are added beside it. A stopped extraction is
    finished by `resume`, bit for bit as if it had not been stopped, on the same device with the
    same threads, precision and batch.

    Args:
        say: called with each line that a user should see: sizes, what was skipped, what was done.

    By workers it gives the same bits as by one process with as many threads. From a script, workers
    on this machine need it to be called under `if __name__ == "__main__":`, as all processes that
    Python spawns.

    Returns:
        the store.

    Raises:
        UserError: an option, image, run or store that cannot be used, or a disk that is too small.
    """
    alone, workers = torch.get_num_threads(), None
    with ExitStack() as stack:
        stack.enter_context(torch_threads(threads_of(config.threads, config.cluster)))
        device, samples, encoders, arrays = _opened(config)
        estimated = estimate(config, samples, arrays, _existing_store(config, samples, arrays))
        for line in estimated.lines:
            say(line)
        refuse_full_disk(config, estimated)
        if config.cluster is not None and (config.resume or estimated.bytes):
            _say_of_threads(alone, say)
            workers, arrays = stack.enter_context(hired(config, samples, encoders, say))
        store = open_root(config, samples, arrays)
        writers = {
            array: stack.enter_context(open_writer(config, store, array)) for array in arrays
        }
        if workers is not None:
            write_by_workers(store, writers, workers)
        else:
            with torch.backends.cudnn.flags(enabled=True, deterministic=True):
                write_arrays(config, samples, store, encoders, writers, device)
        for writer in writers.values():
            writer.finish()
    return config.out


def plan_extraction(config: Extraction) -> ExtractionEstimate:
    """What `extract(config)` would write and how long it would take; nothing is written.

    Raises:
        UserError: as `extract`.
    """
    device, samples, encoders, arrays = _opened(config)
    store = _existing_store(config, samples, arrays)
    estimated = estimate(config, samples, arrays, store)
    seconds = measure_seconds(config, samples, encoders, estimated, device)
    return dataclasses.replace(estimated, seconds=seconds)


def _opened(
    config: Extraction,
) -> tuple[torch.device, Samples, tuple[Encoder, ...], tuple[Array, ...]]:
    """Everything that is read before anything is written."""
    config.check()
    device = pick_device("cpu" if config.cluster else config.device)
    domain = open_domain(config.domain, labels=config.labels, skip_bad=config.skip_bad)
    samples = Samples(domain, config.plan)
    encoders = load_encoders(config, device)
    return device, samples, encoders, wanted_arrays(config, samples, encoders, described(device))


def _say_of_threads(alone: int, say: Say) -> None:
    """What differs from what this process would have made by itself."""
    threads = torch.get_num_threads()
    if threads != alone:
        say(
            f"--threads {threads}: this process alone would take {alone}, and the last bits of "
            "features would be others"
        )


def _existing_store(
    config: Extraction, samples: Samples, arrays: tuple[Array, ...]
) -> Store | None:
    """The store, where there is one, after it was compared with `config`."""
    if config.out.is_dir() and any(config.out.iterdir()):
        return open_root(config, samples, arrays)
    return None
