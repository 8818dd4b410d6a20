"""The ledger of predictions in the making: which images' files are on disk."""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from atdt import objects
from atdt.disk import naming
from atdt.errors import UserError
from atdt.files import write_atomic
from atdt.places import is_remote
from atdt.texts import parse_json, read_bounded

SEND_EVERY = 10.0  # seconds: what a kill loses of predictions in an object store
LINE = 2**16  # bytes of an object that are asked for where its first line is wanted


class Ledger:
    """Lines of JSON: the header that predictions.json will have, then an image each.

    Args:
        path: of the file; nothing is read or written yet.
    """

    def __init__(self, path: Path):
        self.path = path
        self._lines: list[str] = []  # kept for an object store alone, which takes whole files
        self._sent = time.monotonic()

    def begin(self, header: Mapping[str, Any]) -> None:
        """Write a new one, in the place of any that is there."""
        self._lines = [_line({"header": header})]
        write_atomic(self.path, self._lines[0].encode())

    def take_up(self) -> tuple[Any, list[dict[str, Any]]]:
        """Its header and the entries behind it; a last line that a kill cut off is removed.

        Raises:
            UserError: it cannot be read.
        """
        data = read_bounded(self.path)
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            write_atomic(self.path, whole)
        try:
            entries = [parse_json(line) for line in whole.splitlines()]
        except ValueError:
            entries = []
        if not entries or not all(isinstance(entry, dict) for entry in entries):
            raise UserError(f"{self.path}: damaged; start anew with --overwrite")
        self._lines = [_line(entry) for entry in entries]
        return entries[0].get("header"), entries[1:]

    def append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Note entries; on a disk they are there when this returns."""
        lines = [_line(entry) for entry in entries]
        if is_remote(self.path):
            self._send(lines)
            return
        length = self.path.stat().st_size
        try:
            with naming(self.path), self.path.open("ab") as ledger:
                ledger.write("".join(lines).encode())
                ledger.flush()
                os.fsync(ledger.fileno())
        except OSError:
            os.truncate(self.path, length)  # what a failing disk took would spoil the next line
            raise

    def _send(self, lines: Sequence[str]) -> None:
        """An object is sent as a whole, and so not always."""
        self._lines += lines
        if time.monotonic() - self._sent > SEND_EVERY:
            write_atomic(self.path, "".join(self._lines).encode())
            self._sent = time.monotonic()


def ledger_digest(path: Path) -> str:
    """Sha256 of the header of a ledger; "" where there is none."""
    try:
        return hashlib.sha256(_first_line(path)).hexdigest()
    except FileNotFoundError:
        return ""


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _first_line(file: Path) -> bytes:
    if not is_remote(file):
        with file.open("rb") as opened:
            return opened.readline()
    length, data = LINE, objects.get(file, 0, LINE)
    while b"\n" not in data and len(data) == length:
        length *= 8
        data = objects.get(file, 0, length)
    return data[: data.find(b"\n") + 1]
