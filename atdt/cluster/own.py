"""What a worker that `--workers` started does first; dask calls it (`preload`)."""

import logging
import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Leave Ctrl-C, which a terminal sends to all, to the client: it ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # That units are called off then is no news.
    logging.getLogger("distributed.worker.state_machine").setLevel(logging.ERROR)
