"""What readers check on opening: every file that says what the features mean is as it was made."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from atdt import objects
from atdt.digests import sha256_file
from atdt.errors import StoreError
from atdt.files import inside
from atdt.places import is_remote
from atdt.stores.layout import LEDGER, MEND, METADATA, overwrite_name

# The first vector's folder keeps the root's ledger: a stray file in a group makes xarray warn.
ROOT_LEDGER = f"sample_id/{LEDGER}"
ABSENT = "absent"
OTHER_SAMPLES = "made for other sample vectors than the store's"


def digests(
    root: Path, paths: Iterable[str], held: Mapping[str, bytes] | None = None
) -> dict[str, str]:
    """Sha256 of each file below `root`, `ABSENT` where there is none.

    Args:
        held: their content, where it was read before.

    Raises:
        UserError: a link leads out of `root`.
    """
    files = {path: inside(root, path) for path in paths}
    if not is_remote(root):
        return {path: _digest(file) for path, file in files.items()}
    found = held_files(root, list(files)) if held is None else held
    return {
        path: hashlib.sha256(found[path]).hexdigest() if path in found else ABSENT for path in files
    }


def held_files(root: Path, paths: Sequence[str]) -> dict[str, bytes]:
    """The content of those files below a URL that are there."""
    found = zip(paths, objects.get_all([root / path for path in paths]), strict=True)
    return {path: data for path, data in found if data is not None}


def _digest(path: Path) -> str:
    return sha256_file(path) if path.is_file() else ABSENT


def changed_files(recorded: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """One line for each file in `found` that is not the one that was recorded."""
    lines = []
    for path, digest in found.items():
        if digest == ABSENT:
            lines.append(f"{path} is missing")
        elif digest != recorded.get(path):
            lines.append(f"{path} is damaged (its sha256 is not the recorded one)")
    return lines


def refuse_changes(root: Path, lines: list[str]) -> None:
    """Raise a StoreError that names the first of `lines` and what to run."""
    if lines:
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        raise StoreError(f"{root}: {lines[0]}{more}; {MEND}")


def of_other_samples(files: Mapping[str, str], root: Mapping[str, str]) -> bool:
    """Whether an array that recorded `files` was made for another root than `root`."""
    return any(files.get(path) != digest for path, digest in root.items())


def refuse_other_samples(folder: Path, files: Mapping[str, str], root: Mapping[str, str]) -> None:
    """Raise a StoreError where the array in `folder` was made for another root than `root`."""
    if of_other_samples(files, root):
        raise StoreError(
            f"{folder}: {OTHER_SAMPLES}; replace it with `atdt extract … --overwrite "
            f"{overwrite_name(folder.parent.name, folder.name)}`"
        )


def array_metadata(group: str, name: str) -> tuple[str, str]:
    """Paths of the metadata of a group and of an array in it."""
    return f"{group}/{METADATA}", f"{group}/{name}/{METADATA}"
