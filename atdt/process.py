"""What this process asks of the system: memory that it may keep, and which threads may wait."""

import ctypes
import os
import sys
import threading

# of glibc's <malloc.h>
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT = 2**30  # bytes
LOW = 10  # of the nineteen steps down of a thread's priority


def keep_freed_memory() -> None:
    """Let this process keep up to a GiB that it has freed, where the C library can (glibc).

    It gives large pieces back at once and asks for them again in the next layer, and the system
    clears every page anew: up to a quarter of a forward pass on a CPU.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, KEPT)
        mallopt(M_TRIM_THRESHOLD, KEPT)


def step_back() -> None:
    """Let the network's threads go first where all want a processor; for the thread that calls.

    A network's threads wait for each other after every layer, so that one which is held up holds up
    all of them. Threads have priorities of their own on Linux alone.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOW)
