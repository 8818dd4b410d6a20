"""Files with times in their names, paired with the nearest in time (TUM's sequences, raw NYUv2)."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from atdt.domains.datasets.patterns import fields_of, found
from atdt.errors import DomainError

TIME = "time"


class Nearest:
    """Files of a pattern, by their {time}, a number of seconds.

    Args:
        root: folder of the data set.
        pattern: of the files.
        images: pattern of the images that they belong to; other fields than these are the files'
            own.
        within: seconds that the nearest may be off.

    Raises:
        DomainError: a file's time is no number.
    """

    def __init__(self, root: Path, pattern: str, images: str, within: float):
        shared = set(fields_of(images)) - {TIME}
        self._others = [name for name in fields_of(pattern) if name in shared]
        self._within = within
        self._files: dict[tuple[str, ...], list[tuple[float, str]]] = defaultdict(list)
        for path, fields in found(root, pattern):
            self._files[self._place(fields)].append((_seconds(fields[TIME], path), path))
        for files in self._files.values():
            files.sort()

    def path(self, fields: Mapping[str, str], image: str) -> str | None:
        """The file of the same other fields whose time is nearest to an image's; None: none is."""
        files = self._files.get(self._place(fields), [])
        time = _seconds(fields[TIME], image)
        after = bisect_left(files, (time, ""))
        near = files[max(0, after - 1) : after + 1]
        apart, path = min(((abs(t - time), p) for t, p in near), default=(None, None))
        return path if apart is not None and apart <= self._within else None

    def _place(self, fields: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(fields[name] for name in self._others)


def _seconds(text: str, path: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DomainError(f"{path}: {text!r} is no time in seconds") from None
