"""A folder has one writer at a time."""

import subprocess
import sys

import pytest

from atdt.errors import RunError
from atdt.hold import exclusive


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
