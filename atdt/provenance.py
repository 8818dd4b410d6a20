"""What a result was made with: versions, command, time, threads."""

import os
import platform
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from atdt import __version__
from atdt.launch import launch
from atdt.places import without_secrets

LIBRARIES = ("torch", "torchvision", "numpy", "zarr", "numcodecs", "xarray", "safetensors")


def provenance(*more: str) -> dict[str, Any]:
    """Versions, the command line, the time (UTC) and the threads of this process, and how many
    ranks trained together, where several did.

    Args:
        more: libraries that had a part in it, besides `LIBRARIES`.
    """
    versions = {"atdt": __version__, "python": platform.python_version()}
    found = {library: _installed(library) for library in (*LIBRARIES, *more)}
    versions |= {library: version for library, version in found.items() if version is not None}
    ranks = launch().size
    return {
        "versions": versions,
        "command": " ".join([Path(sys.argv[0]).name, *without_secrets(sys.argv[1:])]),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "threads": torch_threads(),
        **({"ranks": ranks} if ranks > 1 else {}),
    }


def torch_threads() -> int:
    """Threads that torch computes with, or the processors when torch is not loaded."""
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch is not None else os.cpu_count() or 1


@cache  # it reads the library's files
def _installed(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
