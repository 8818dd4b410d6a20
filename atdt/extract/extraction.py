"""Phase 1: features of frozen encoders, from images of a domain to a feature store."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from atdt.cluster import threads_of
from atdt.devices import torch_threads
from atdt.extract.arrays import open_root, open_writer
from atdt.extract.by_workers import hired, write_by_workers
from atdt.extract.config import Extraction
from atdt.extract.estimate import estimate, refuse_full_disk
from atdt.extract.opening import existing_store, opened
from atdt.extract.writing import write_arrays

Say = Callable[[str], Any]


def extract(config: Extraction, say: Say = lambda line: None) -> Path:
    """Run frozen encoders over the views of a domain, and store their features.

    An array that is complete is left as it is; others are added beside it. A stopped extraction is
    finished by `resume`, bit for bit as if it had not been stopped, on the same device with the
    same threads, precision and batch. By workers it gives the bits of one process with as many
    threads; from a script, workers on this machine need it to be called under
    `if __name__ == "__main__":`, as all processes that Python spawns.

    Args:
        say: called with each line that a user should see: sizes, what was skipped, what was done.

    Returns:
        the store.

    Raises:
        UserError: an option, image, run or store that cannot be used, or a disk that is too small.
    """
    config.check()
    alone, workers = torch.get_num_threads(), None
    with ExitStack() as stack:
        stack.enter_context(torch_threads(threads_of(config.threads, config.cluster)))
        device, samples, encoders, arrays = opened(config)
        estimated = estimate(config, samples, arrays, existing_store(config, samples, arrays))
        for line in estimated.lines:
            say(line)
        refuse_full_disk(config, estimated)
        if config.cluster is not None and (config.resume or estimated.bytes):
            _say_of_threads(alone, say)
            workers, arrays = stack.enter_context(hired(config, samples, encoders, say))
        store = open_root(config, samples, arrays)
        writers = {
            array: stack.enter_context(open_writer(config, samples, store, array))
            for array in arrays
        }
        if workers is not None:
            write_by_workers(store, writers, workers)
        else:
            with torch.backends.cudnn.flags(enabled=True, deterministic=True):
                write_arrays(config, samples, store, encoders, writers, device)
        for writer in writers.values():
            writer.finish()
    return config.out


def _say_of_threads(alone: int, say: Say) -> None:
    """What differs from what this process would have made by itself."""
    threads = torch.get_num_threads()
    if threads != alone:
        say(
            f"--threads {threads}: this process alone would take {alone}, and the last bits of "
            "features would be others; `atdt verify STORE --against OTHER` prints how far two are "
            "apart"
        )
