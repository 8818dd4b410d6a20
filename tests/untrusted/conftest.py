"""What strangers may send: made here, opened by the tests, never to run or to fill the memory."""

import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from atdt.cli import main

MEBIBYTE = 2**20
MOST = 48 * MEBIBYTE  # far above what a refusal needs, far below what any of the files asks for


class Canary:
    """Whoever unpickles it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path / "canary")


@pytest.fixture
def deep() -> str:
    """JSON that a recursive reader cannot take."""
    return '{"a":' * 100_000 + "1" + "}" * 100_000


@pytest.fixture
def frugal() -> Callable:
    """A context in which no more than `MOST` bytes of Python's and NumPy's memory may be taken."""

    @contextmanager
    def watch() -> Iterator[None]:
        tracemalloc.start()
        try:
            yield
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < MOST, f"{peak} bytes"

    return watch


@pytest.fixture
def refused() -> Callable[..., str]:
    """Run `atdt …`; proves that it ends in one line and exit code 2, and gives that line back."""

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 2, (result.output, result.exception)
        lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        assert len(lines) == 1, result.output
        assert len(lines[0]) < 2000
        return lines[0]

    return run


@pytest.fixture
def edit() -> Callable[..., None]:
    """Change keys of a JSON object in a file."""

    def change(path: Path, **keys: object) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | keys))

    return change
