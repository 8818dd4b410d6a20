"""What a domain keeps when its images are replaced: labels, cameras, and what they mean."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from atdt.domains import Domain, LabelSpace, label_space, label_space_names
from atdt.domains.label_map import LabelMap
from atdt.domains.lists import ALL_COLUMNS, MISSING, Sample
from atdt.errors import DomainError
from atdt.files import inside
from atdt.texts import read_toml

# A right image would have to be adapted too, and to the same look as the left one.
KEPT_COLUMNS = tuple(column for column in ALL_COLUMNS if column not in ("image", "right"))
ROOT, LISTS = "files", "lists"
# Keys of a description that are not taken over as they are.
REWRITTEN = (
    "name",
    "root",
    "columns",
    "lists",
    "label_space",
    "file_label_space",
    "label_table",
    "labels",
)


@dataclass(frozen=True)
class Item:
    """A sample of the new domain.

    Attributes:
        domain, index: of the original.
        image: name of the adapted image, relative to the root.
        kept: files that go with it as they are: name relative to the root -> where they lie.
        line: of the list.
    """

    domain: Domain
    index: int
    image: str
    kept: dict[str, Path]
    line: str


def items(domains: Sequence[Domain]) -> dict[str, list[Item]]:
    """What becomes of each sample, by split; names stay, but for the images' suffix, .png.

    Raises:
        DomainError: a label or camera file is not there, or two files would have one name; names
            list and line.
    """
    taken: dict[str, str] = {}
    return {
        domain.split: [_item(domain, index, taken) for index in range(len(domain))]
        for domain in domains
    }


def described(domains: Sequence[Domain], name: str) -> tuple[dict[str, Any], dict[str, LabelSpace]]:
    """The description of the new domain, as TOML can hold it, and label spaces by file name.

    Cameras and encodings are taken over as they are written; labels are mapped by id, so that no
    other file of the original is needed.

    Args:
        domains: splits of one domain.
        name: of the new one.
    """
    old = domains[0].description
    spaces = {"label_space": old.label_space}
    labels: dict[str, Any] = {}
    if old.label_map.ids != LabelMap.identity(old.label_space).ids:
        labels = {"labels": {str(key): value for key, value in sorted(old.label_map.ids.items())}}
        if old.in_files is not None:
            spaces["file_label_space"] = old.in_files
    files = {f"{key}.toml": space for key, space in spaces.items() if not _is_built_in(space)}
    named = {
        key: f"{key}.toml" if f"{key}.toml" in files else space.name
        for key, space in spaces.items()
    }
    written = read_toml(old.path).items()
    content = {
        "name": name,
        "root": ROOT,
        "columns": ["image", *KEPT_COLUMNS],
        **named,
        **{key: value for key, value in written if key not in REWRITTEN},
        "lists": {domain.split: list_name(domain.split) for domain in domains},
        **labels,
    }
    return content, files


def list_name(split: str) -> str:
    """The list of a split, relative to the new domain's folder."""
    return f"{LISTS}/{split}.txt"


def _item(domain: Domain, index: int, taken: dict[str, str]) -> Item:
    """A sample; what its files are is noted in `taken`, by their names."""
    sample = domain.samples[index]
    here = f"{domain.list_path}:{sample.line}"
    image = PurePosixPath(sample.image).with_suffix(".png").as_posix()
    kept = {name: domain.root / name for name in _kept_names(domain, index)}
    becoming = {name: f"{name} as it is" for name in kept}
    for name, what in [*becoming.items(), (image, f"{sample.image} adapted")]:
        if taken.setdefault(name, what) != what:
            raise DomainError(
                f"{here}: {taken[name]} and {what} would both be {name}: adapted images are "
                "PNG files; rename one of them"
            )
    for path in kept.values():
        if not domain.sizes.has(path):
            raise DomainError(f"{here}: {path}: no such file")
    names = (getattr(sample, column) or MISSING for column in KEPT_COLUMNS)
    return Item(domain, index, image, kept, ";".join([image, *names]))


def _kept_names(domain: Domain, index: int) -> Iterator[str]:
    sample = domain.samples[index]
    yield from filter(None, (getattr(sample, column) for column in KEPT_COLUMNS))
    folder = domain.description.camera
    if folder is not None and sample.camera is None:
        domain.focal(index)  # a camera file that is absent or damaged is an error now
        yield next(
            name
            for name in _camera_names(folder, sample)
            if domain.sizes.has(inside(domain.root, name))
        )


def _camera_names(folder: str, sample: Sample) -> tuple[str, str]:
    """Where a camera file may lie, see `atdt.domains.description`."""
    stem = PurePosixPath(sample.image).with_suffix(".json")
    return (
        (PurePosixPath(folder) / stem).as_posix(),
        (stem.parent.parent / folder / stem.name).as_posix(),
    )


def _is_built_in(space: LabelSpace) -> bool:
    return space.name in label_space_names() and label_space(space.name) == space
