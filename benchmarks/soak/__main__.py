"""Do all of it, and print one table. Ends with 1 if anything failed."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch, here and in the processes forked

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random

from benchmarks.soak.child import forks
from benchmarks.soak.parts import Counts, Row, harms, stops
from benchmarks.soak.world import FULL, SHORT


def main() -> int:
    """Everything, in full or `--short`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a little of each")
    parser.add_argument("--seed", type=int, help="of the random moments and places")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else Random().randrange(10**6)
    print(f"seed {seed}", flush=True)
    counts, size = (Counts(2, 4, 50, 25), SHORT) if options.short else (Counts(), FULL)
    start = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(2, mp_context=forks) as pool,
    ):
        parts = [
            pool.submit(part, Path(folder), size, counts, seed + number)
            for number, part in enumerate((stops, harms))
        ]
        rows = [row for part in parts for row in part.result()]
    _show(rows, time.monotonic() - start)
    return int(not all(passed for _, _, passed, _, _ in rows))


def _show(rows: list[Row], seconds: float) -> None:
    print(f"\n{'what':30} {'count':>6} {'passed':>7} {'seconds':>8}  note")
    for what, count, passed, took, note in rows:
        print(f"{what:30} {count:6} {'yes' if passed else 'NO':>7} {took:8.0f}  {note}")
    print(f"{'all, two at a time':30} {'':6} {'':7} {seconds:8.0f}")


if __name__ == "__main__":
    sys.exit(main())
