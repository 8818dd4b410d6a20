"""Whether two sets of images are of one domain, so that labels of A are not B's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from atdt.places import is_remote, place

if TYPE_CHECKING:
    from atdt.domains.domain import Domain


@dataclass(frozen=True)
class Origin:
    """Where images come from.

    Attributes:
        name: of their domain.
        root, images: where they are, by their names there.
    """

    name: str
    root: Path
    images: tuple[str, ...]

    @classmethod
    def of(cls, domain: "Domain") -> Self:
        """Of an open domain."""
        return cls(domain.name, domain.root, tuple(sample.image for sample in domain.samples))

    @classmethod
    def recorded(cls, domain: Mapping[str, Any], images: Iterable[str]) -> Self:
        """Of what a store or predictions say of theirs, see `Domain.to_dict`."""
        return cls(str(domain.get("name")), place(str(domain.get("root"))), tuple(images))

    def shares(self, other: "Origin") -> bool:
        """Whether both are of one domain: by its name, or by an image that both have."""
        return self.name == other.name or not self.files.isdisjoint(other.files)

    @cached_property
    def files(self) -> frozenset[Path]:
        """Of the images, resolved where they lie on a disk: looked at only where names differ."""
        files = (self.root / image for image in self.images)
        return frozenset(file if is_remote(file) else file.resolve() for file in files)
