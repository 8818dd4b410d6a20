"""`.pt2` files: torch's exported programs.

`torch.export.load` unpickles what a file says is pickled, so no file but one's own may be given to
it. `load` is called with the file that this process wrote a moment ago, and with no other; and what
`write` writes holds no pickle: weights are plain bytes, the program is JSON.
"""

import io
import json
from pathlib import Path
from typing import Any

import torch

from atdt.export.checking import Call
from atdt.export.tracing import Traced

NOTES = "atdt.json"
LIBRARIES = ()  # besides those that every provenance names


def check_installed() -> None:
    """Nothing but torch is needed."""


def write(traced: Traced, path: Path, notes: dict[str, Any]) -> None:
    """Write the program and, as the extra file `NOTES`, what is known about it."""
    text = json.dumps(notes, indent=2, ensure_ascii=False, allow_nan=False)
    traced.program.example_inputs = None  # pickled, and as large as the images
    made = io.BytesIO()  # torch ends the process where a disk is full
    torch.export.save(traced.program, made, extra_files={NOTES: text})
    path.write_bytes(made.getbuffer())


def load(path: Path) -> Call:
    """The program of a file that `write` has just written: images -> what it puts out."""
    with path.open("rb") as file:
        return torch.export.load(file).module()
