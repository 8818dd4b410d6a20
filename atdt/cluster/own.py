"""What a worker that `--workers` started does first; dask calls it (`preload`)."""

import logging
import os
import signal
from typing import Any

VISIBLE = "CUDA_VISIBLE_DEVICES"


def dask_setup(worker: Any) -> None:
    """Leave Ctrl-C, which a terminal sends to all, to the client: it ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # That units are called off then is no news.
    logging.getLogger("distributed.worker.state_machine").setLevel(logging.ERROR)
    take_gpu(worker.name)  # LocalCluster counts its workers


def take_gpu(number: int) -> None:
    """Let a worker, which this process is, see one GPU alone; where there are any, in turns.

    Args:
        number: of the worker, from 0.
    """
    import torch

    count = torch.cuda.device_count()  # CUDA itself is not begun by this: it would not look again
    if count:
        gpus = os.environ.get(VISIBLE) or ",".join(map(str, range(count)))
        os.environ[VISIBLE] = gpus.split(",")[number % count]
