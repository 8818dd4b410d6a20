import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys

import pytest

from atdt.errors import StoreError
from atdt.stores.lock import LOCK, WriterLock

HOLD = """
import sys, time
from pathlib import Path
from atdt.stores.lock import WriterLock
lock = WriterLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_writer_is_refused_until_the_first_lets_go(tmp_path):
    first = WriterLock(tmp_path)
    with pytest.raises(StoreError, match=f"process {os.getpid()} is writing it"):
        WriterLock(tmp_path)
    first.release()
    first.release()
    assert not (tmp_path / LOCK).exists()
    WriterLock(tmp_path).release()


def test_a_forgotten_lock_is_let_go(tmp_path):
    lock = WriterLock(tmp_path)
    del lock
    WriterLock(tmp_path).release()


def test_a_file_that_goes_away_under_our_hands_is_made_again(tmp_path, monkeypatch):
    flock = fcntl.flock

    def last_moment(handle, how):
        monkeypatch.setattr(fcntl, "flock", flock)
        (tmp_path / LOCK).unlink()  # its holder lets go between our open and our lock
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", last_moment)
    lock = WriterLock(tmp_path)
    assert (tmp_path / LOCK).read_text() == str(os.getpid())
    with pytest.raises(StoreError, match="is writing it"):
        WriterLock(tmp_path)
    lock.release()


def test_a_killed_process_leaves_a_file_but_no_lock(tmp_path):
    program = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"process {child.pid} is writing it"):
            WriterLock(tmp_path)
        child.send_signal(signal.SIGKILL)
    assert (tmp_path / LOCK).exists()
    WriterLock(tmp_path).release()
    assert not (tmp_path / LOCK).exists()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_keep_its_parents_lock(tmp_path):
    lock = WriterLock(tmp_path)
    fork = multiprocessing.get_context("fork")
    stop = fork.Event()
    child = fork.Process(target=stop.wait)
    child.start()
    try:
        lock.release()
        WriterLock(tmp_path).release()
    finally:
        stop.set()
        child.join()
    assert child.exitcode == 0
