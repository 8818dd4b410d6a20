"""How long `atdt --help` takes, beside an interpreter that does nothing."""

import statistics
import subprocess
import sys
import time

PAIRS = 9
HELP = [sys.executable, "-m", "atdt", "--help"]
NOTHING = [sys.executable, "-c", "pass"]


def seconds(command: list[str]) -> float:
    """Wall-clock time of one run of `command`."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print the medians of interleaved runs, and the bar of 0.5 s."""
    seconds(HELP), seconds(NOTHING)  # warm the caches of both
    pairs = [(seconds(HELP), seconds(NOTHING)) for _ in range(PAIRS)]
    shown, nothing = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"atdt --help: {shown:.3f} s (bar 0.5 s), {shown / nothing:.1f} x `python -c pass`")


if __name__ == "__main__":
    main()
