"""The index of predictions that a test wrote itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atdt.domains import Domain, ViewPlan
from atdt.texts import write_json


def write_index(
    folder: Path, domain: Domain, task: str, files: Mapping[str, str], **others: Any
) -> Path:
    """Write `predictions.json` of a finished folder; `others` are keys of it that differ."""
    info = {
        "schema": 1,
        "complete": True,
        "task": task,
        "label_space": domain.label_space.to_dict(),
        "domain": domain.to_dict(),
        "view": ViewPlan().to_dict(),
        "mismatch": [],
        "method": {},
        "files": files,
    }
    write_json(folder / "predictions.json", info | others)
    return folder
