"""What the system is asked for: harmless to ask twice, and only of the thread that asks."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from atdt.process import LOW, step_back


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux")
def test_only_the_thread_that_asks_steps_back():
    before = priority()
    with ThreadPoolExecutor(1, initializer=step_back) as pool:
        assert pool.submit(priority).result() == min(19, max(LOW, before))
    assert priority() == before


MEASURE = """
import resource
import torch
from atdt.process import keep_freed_memory

keep_freed_memory()
keep_freed_memory()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.zeros(2**24)  # 64 MiB, more than the C library keeps by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

# Freed pieces are used again once they have come to lie where the next one fits.
print(min(faults() for _ in range(40)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is asked for")
def test_freed_memory_comes_back_without_new_pages():
    # A process of its own: in that of all tests others' threads ask for memory, too.
    call = [sys.executable, "-c", MEASURE]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100
