"""Run measurements: all of them, quickly, or those that are named; print tables, write JSON.

python -m benchmarks [--quick] [--turns N] [--json FILE] [--compare FILE] [NAME …]
"""

import argparse
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from atdt.process import keep_freed_memory
from atdt.provenance import provenance
from atdt.texts import write_json
from benchmarks.compare import compared
from benchmarks.harness import PAIRS, Scale, Table

# In the order of issue and docs: docs/speed.md says what each asks.
NAMES = (
    "startup",
    "resident",
    "streaming",
    "epoch",
    "extraction",
    "reading",
    "rivals",
    "memory",
    "linearity",
    "decoding",
    "codecs",
    "shuffling",
    "sweeping",
    "workers",
    "ranks",
    "remote",
    "plan",
)
# Minutes of processes that start, however little they then do.
UNHURRIED = ("memory", "sweeping", "workers", "ranks", "remote", "plan")
ASKED = ("stereo", "stacking")  # only by name: what a choice of ours rests on, no claim of speed


def main() -> None:
    """Measure what was asked for, each in a scratch folder that is removed behind it."""
    keep_freed_memory()  # as the command line does
    options = _options()
    scale = Scale(options.quick, options.turns)
    options.scratch.mkdir(parents=True, exist_ok=True)
    begun, found, tables = time.monotonic(), {}, []
    print(_machine(), flush=True)
    left_out = UNHURRIED if options.quick else ()
    for name in options.names or [name for name in NAMES if name not in left_out]:
        start = time.monotonic()
        made = _measure(name, scale, options.scratch)
        took = time.monotonic() - start
        for table in made:
            print(f"\n## {name}: {table.text()}", flush=True)
        print(f"\n({name}: {took:.0f} s)", flush=True)
        tables += made
        found[name] = {
            "seconds": took,
            "tables": [{"question": t.question, "met": t.met, "figures": t.figures} for t in made],
        }
    print(_verdict(tables, time.monotonic() - begun))
    result: dict[str, Any] = {"quick": options.quick, "machine": _machine()}
    result |= {"made_with": provenance(), "measured": found}
    print(write_json(options.json, result))
    if options.compare is not None:
        print(compared(json.loads(options.compare.read_text()), result))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES + ASKED)}")
    parser.add_argument("--quick", action="store_true", help="a taste, in minutes")
    parser.add_argument("--turns", type=int, help=f"of each ratio; {PAIRS} if unset")
    parser.add_argument("--json", type=Path, default=Path("reports/benchmarks.json"))
    parser.add_argument("--compare", type=Path, help="an earlier JSON file")
    parser.add_argument(
        "--scratch", type=Path, default=Path("reports"), help="a folder on the disk to measure"
    )
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES + ASKED)
    if options.turns is not None and options.turns < 1:
        parser.error(f"--turns {options.turns}: must be ≥ 1")
    if unknown:
        parser.error(f"no measurement is called {', '.join(sorted(unknown))}")
    return options


def _measure(name: str, scale: Scale, scratch: Path) -> list[Table]:
    folder = Path(tempfile.mkdtemp(prefix=f"benchmark-{name}-", dir=scratch))
    try:
        return importlib.import_module(f"benchmarks.{name}").measure(scale, folder)
    finally:
        shutil.rmtree(folder)


def _machine() -> str:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    threads = f"torch {torch.__version__} with {torch.get_num_threads()} threads"
    return f"{os.cpu_count()} cores, {threads}, {gpu}"


def _verdict(tables: list[Table], seconds: float) -> str:
    barred = [table for table in tables if table.met is not None]
    missed = [table.question for table in barred if not table.met]
    line = f"\n{len(barred) - len(missed)} of {len(barred)} bars met, in {seconds / 60:.1f} minutes"
    return "\n  not met: ".join([line, *missed])


if __name__ == "__main__":
    sys.exit(main())
