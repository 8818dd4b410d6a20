"""A folder on a disk and the same in a bucket: what a command does in one and the other."""

import json
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from atdt import objects
from atdt.cli import main
from atdt.places import place

SECRET = "never-to-be-written"


@dataclass
class Sides:
    """The same folder on a disk and in a bucket; `AT` stands for it in what is run.

    Attributes:
        here: on the disk.
        away: the URL.
        varying: keys of JSON files in which the same thing differs from itself.
        unlike: says of a file's name whether its content is not compared.
    """

    here: Path
    away: str
    varying: Collection[str]
    unlike: Callable[[str], bool] = lambda file: False

    def run(self, *arguments: str) -> str:
        """Run a command that succeeds, here and there; the last line of both."""
        return self._alike(arguments, 0)

    def refused(self, *arguments: str) -> str:
        """What is said of a command that cannot succeed, here and there alike."""
        return self._alike(arguments, 2)

    def at(self, at: Path | str, *arguments: str, code: int = 0) -> str:
        """The last line of a command in one of the two places."""
        given = [argument.replace("AT/", f"{at}/") for argument in arguments]
        if at == self.away:
            given += ["--storage-options=key=nobody", f"--storage-options=secret={SECRET}"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["atdt", *given])
            done = CliRunner().invoke(main, given, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return self._neutral(done.output.splitlines()[-1])

    def compare(self, name: str, but: Collection[str] = ()) -> dict[str, bytes]:
        """What a folder holds is the same here and there, but for times and where it lies; the
        files here, by name. What was written there holds no secret.

        Args:
            name: of the folder.
            but: files whose content is not compared.
        """
        root = self.here / name
        ours = {f.relative_to(root).as_posix(): f for f in root.rglob("*") if f.is_file()}
        ours = {file: path.read_bytes() for file, path in ours.items()}
        theirs = {file: self.get(f"{name}/{file}") for file in objects.below(self.there(name))}
        assert not any(SECRET.encode() in data for data in theirs.values())
        ours, theirs = (
            {file: data for file, data in side.items() if "tensorboard/" not in file}  # of a time
            for side in (ours, theirs)
        )
        assert theirs.keys() == ours.keys() != set()
        for file in ours.keys() - set(but):
            if not self.unlike(file):
                assert self._content(file, ours[file]) == self._content(file, theirs[file]), file
        return ours

    def there(self, name: str) -> Path:
        """A path in the bucket."""
        return place(f"{self.away}/{name}")

    def get(self, name: str) -> bytes:
        """An object's bytes."""
        return objects.get(self.there(name))

    def _alike(self, arguments: tuple[str, ...], code: int) -> str:
        here, away = (self.at(at, *arguments, code=code) for at in (self.here, self.away))
        assert here == away
        return here

    def _content(self, file: str, data: bytes) -> object:
        """What is to be the same of a file."""
        if not file.endswith(".json"):
            return data
        return self._steady(json.loads(self._neutral(data.decode())))

    def _steady(self, content: object) -> object:
        if isinstance(content, list):
            return [self._steady(value) for value in content]
        if isinstance(content, dict):
            kept = {key: v for key, v in content.items() if key not in self.varying}
            return {key: self._steady(value) for key, value in kept.items()}
        return content

    def _neutral(self, text: str) -> str:
        return text.replace(self.away, "AT").replace(str(self.here), "AT")
