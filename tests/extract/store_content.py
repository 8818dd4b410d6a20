"""What a store holds, for tests that compare two of them."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from atdt.places import is_remote
from atdt.stores.ledger import block_lines, read_ledger
from tests.made_objects import download


def content(path: Path) -> dict[str, object]:
    """Every file of a store, without what says when and by which command it was made."""
    if is_remote(path):
        with TemporaryDirectory() as here:
            return content(download(str(path), Path(here)))
    found = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.name == "ledger.jsonl":
            ledger = read_ledger(file)
            assert ledger.problem is None
            lines = list(block_lines(file, ledger.places.values()))
            found[name] = lines, (ledger.complete or {}).get("statistics")
        elif file.name == "zarr.json":
            metadata = json.loads(file.read_bytes())
            for note in ("created", "command"):
                metadata["attributes"].pop(note, None)
            found[name] = metadata
        elif file.is_file():
            found[name] = file.read_bytes()
    return found
