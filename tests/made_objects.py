"""Folders sent to an object store, and back."""

from pathlib import Path

from atdt import objects
from atdt.places import place


def upload(folder: Path, url: str) -> str:
    """All files of a folder as objects below a URL, which is given back."""
    for file in folder.rglob("*"):
        if file.is_file():
            objects.put(place(url) / file.relative_to(folder).as_posix(), file.read_bytes())
    return url


def download(url: str, folder: Path) -> Path:
    """All objects below a URL as files of a folder, which is given back."""
    for name in objects.below(place(url)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(objects.get(place(url) / name))
    return folder
