"""One precision for all rows of an experiment, which the processor that begins it multiplies in."""

import sys
from dataclasses import replace
from pathlib import Path

from atdt.devices import PRECISIONS, fast_precision, has_bfloat16, pick_device
from atdt.errors import UserError
from atdt.experiments.preset import AUTO, Preset
from atdt.experiments.steps import RECORD
from atdt.texts import read_json, write_json

FILE = "precision.json"
BEFORE = "bfloat16"  # of every experiment that was begun before there was a choice


def with_precision(preset: Preset, reports: Path) -> Preset:
    """The preset with "auto" settled: by what the experiment was begun in, else by this machine.

    So an experiment that goes on elsewhere keeps its rows alike, and what was done is found again.

    Args:
        preset: of the experiment.
        reports: its folder of reports.
    """
    if preset.precision != AUTO:
        return preset
    device = pick_device()
    if (reports / FILE).is_file():
        precision = _kept(reports / FILE)
    elif (reports / RECORD).is_file():
        precision = BEFORE
    else:
        precision = fast_precision(device)
    if not has_bfloat16(device):
        print(f"{reports}: {_SAID[precision]}", file=sys.stderr, flush=True)
    return replace(preset, precision=precision)


_SAID = {
    "float32": "trains in float32, since this processor does not multiply bfloat16 itself; expect "
    "several times the minutes of one that does",
    "bfloat16": "was begun in bfloat16, which this processor does not multiply itself: what is "
    "left to train takes far longer here than in float32, in which another --root begins",
}


def keep_precision(reports: Path, precision: str) -> None:
    """Write down what an experiment is made in, before its first step.

    Raises:
        ValueError: `precision` is not settled.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r}: settle the experiment first")
    if not (reports / FILE).is_file() or read_json(reports / FILE) != {"precision": precision}:
        write_json(reports / FILE, {"precision": precision})


def _kept(file: Path) -> str:
    content = read_json(file)
    precision = content.get("precision") if isinstance(content, dict) else None
    if precision not in PRECISIONS:
        raise UserError(f"{file}: holds no precision of {', '.join(PRECISIONS)}; remove it")
    return precision
