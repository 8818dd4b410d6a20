"""How long `atdt --help` takes, beside an interpreter that does nothing."""

import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import Scale, Table, seconds

HELP = [sys.executable, "-m", "atdt", "--help"]
NOTHING = [sys.executable, "-c", "pass"]
BAR = 0.5


def measure(scale: Scale, folder: Path) -> list[Table]:
    """One table; nothing is written to `folder`."""
    _run(HELP), _run(NOTHING)  # warm the caches of both
    pairs = [
        (seconds(lambda: _run(HELP)), seconds(lambda: _run(NOTHING))) for _ in range(scale.pairs)
    ]
    shown, nothing = (statistics.median(column) for column in zip(*pairs, strict=True))
    table = Table("start-up", ("command", "seconds", "× `python -c pass`"), f"{BAR} s")
    table.add("atdt --help", f"{shown:.3f}", f"{shown / nothing:.1f}")
    table.figure("atdt --help, seconds", shown)
    table.met = shown <= BAR
    return [table]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
