"""Whether two sets of images are of one domain, so that labels of A are not B's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from atdt.domains.domain import Domain
from atdt.places import is_remote, place


@dataclass(frozen=True)
class Origin:
    """Where images come from.

    Attributes:
        name: of their domain.
        files: of the images, resolved where they lie on a disk.
    """

    name: str
    files: frozenset[Path]

    @classmethod
    def of(cls, domain: Domain) -> Self:
        """Of an open domain."""
        return cls._of(domain.name, domain.root, (sample.image for sample in domain.samples))

    @classmethod
    def recorded(cls, domain: Mapping[str, Any], images: Iterable[str]) -> Self:
        """Of what a store or predictions say of theirs, see `Domain.to_dict`."""
        return cls._of(str(domain.get("name")), place(str(domain.get("root"))), images)

    def shares(self, other: "Origin") -> bool:
        """Whether both are of one domain: by its name, or by an image that both have."""
        return self.name == other.name or not self.files.isdisjoint(other.files)

    @classmethod
    def _of(cls, name: str, root: Path, images: Iterable[str]) -> Self:
        files = (root / image for image in dict.fromkeys(images))
        return cls(name, frozenset(file if is_remote(file) else file.resolve() for file in files))
