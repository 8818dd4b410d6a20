"""A folder has one writer at a time."""

import os
import signal
import subprocess
import sys

import pytest

from atdt.errors import RunError
from atdt.hold import exclusive, refuse_written


def test_a_second_writer_is_refused_while_the_first_lives(tmp_path):
    path = tmp_path / "run"
    program = (
        "import sys\n"
        "from atdt.hold import exclusive\n"
        f"with exclusive({str(path)!r}):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match="another process is writing"), exclusive(path):
            raise AssertionError("two writers")
        other.kill()
        other.wait()
        with exclusive(path):
            assert list(path.iterdir()) == []


def test_who_only_asks_is_told_and_makes_nothing(tmp_path):
    path = tmp_path / "run"
    refuse_written(path)
    assert not path.exists()
    with exclusive(path), pytest.raises(RunError, match="another process is writing it"):
        refuse_written(path)
    refuse_written(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_hold_on(tmp_path):
    with exclusive(tmp_path):
        child = os.fork()
        if not child:  # as a library's worker that outlives the hold
            signal.pause()
    try:
        with exclusive(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
