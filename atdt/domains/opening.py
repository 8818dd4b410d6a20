"""Opening a domain by a spec, such as `data/streets/a:train` or `data/streets/b:train@30`."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from atdt.domains.check import check_files, find_bad
from atdt.domains.description import FILE_NAME, read_description
from atdt.domains.domain import Domain
from atdt.domains.lists import read_list
from atdt.errors import DomainError
from atdt.objects import reach
from atdt.places import is_url, place

GRAMMAR = "PATH[:SPLIT][@N]"


@dataclass(frozen=True)
class Spec:
    """PATH[:SPLIT][@N]: a description file or its folder, a key of [lists], the first N images."""

    path: Path
    split: str | None
    first: int | None


def parse_spec(spec: str | Path) -> Spec:
    """Take a spec apart; a path that exists as it stands is a path, whatever is in it."""
    text = str(spec)
    match = re.fullmatch(r"(.+?)(?::([^/\\:@]+))?(?:@(\d+))?", text)
    if match is None or (not is_url(text) and Path(text).exists()):
        return Spec(place(text), None, None)
    path, split, first = match.groups()
    return Spec(place(path), split, None if first is None else int(first))


def absolute_spec(spec: str | Path) -> str:
    """The same spec for a process that has another current folder."""
    wanted = parse_spec(spec)
    split = "" if wanted.split is None else f":{wanted.split}"
    first = "" if wanted.first is None else f"@{wanted.first}"
    return f"{wanted.path.absolute()}{split}{first}"


def open_domain(
    spec: str | Path,
    *,
    labels: Sequence[str] = (),
    skip_bad: bool = False,
    without: Collection[int] = (),
) -> Domain:
    """Open one split of a domain.

    Args:
        spec: PATH[:SPLIT][@N]. PATH is a description file or a folder with a `domain.toml`; SPLIT a
            key of its [lists], which may be left out where there is one; N takes the first N
            images.
        labels: kinds of label that every sample must have ("semantic", "depth", "normals").
        skip_bad: read all images and labels now, and leave out the samples that cannot be used:
            `Domain.skipped` says which and why. A line that is malformed, or that leads out of the
            root, is an error all the same.
        without: lines of the list that another process found bad (`Domain.left_out`).

    Raises:
        DomainError: no such description, split or file; a list that is empty, shorter than N, or
            malformed; a label that is needed and missing; or nothing left after skipping. Names
            the list and line where there is one.
    """
    wanted = parse_spec(spec)
    path = _described_by(wanted)
    if not path.is_file():
        raise DomainError(f"{path}: no such file; a domain is given by {GRAMMAR}")
    description = read_description(path)
    split = _split(wanted, path, description.lists)
    listed = description.lists[split]
    samples = read_list(listed, description.root, description.columns)
    if wanted.first is not None and not 0 < wanted.first <= len(samples):
        raise DomainError(f"{listed}: has {len(samples)} images, not the {wanted.first} of @N")
    samples = samples[: wanted.first]
    if without:
        samples = tuple(sample for sample in samples if sample.line not in without)
    domain = Domain(description, split, listed, samples)
    if not skip_bad:
        check_files(domain, labels)
        return domain
    bad = find_bad(domain, labels)
    if len(bad) == len(domain):
        raise DomainError(f"{listed}: none of {len(bad)} images can be used; the first: {bad[0]}")
    good = tuple(sample for k, sample in enumerate(domain.samples) if k not in bad)
    lines = tuple(domain.samples[k].line for k in bad)
    return replace(domain, samples=good, skipped=tuple(bad.values()), left_out=lines)


def open_splits(
    spec: str | Path, *, labels: Sequence[str] = (), skip_bad: bool = False
) -> list[Domain]:
    """Open the split that PATH[:SPLIT][@N] names or, without SPLIT, every one.

    Args:
        spec: of the domain.
        labels: kinds of label that every sample must have.
        skip_bad: as in `open_domain`.

    Raises:
        DomainError: see `open_domain`.
    """
    wanted, specs = parse_spec(spec), [str(spec)]
    path = _described_by(wanted)
    splits = list(read_description(path).lists) if path.is_file() else []
    if wanted.split is None and len(splits) > 1:
        first = "" if wanted.first is None else f"@{wanted.first}"
        specs = [f"{wanted.path}:{split}{first}" for split in splits]
    return [open_domain(one, labels=labels, skip_bad=skip_bad) for one in specs]


def _described_by(spec: Spec) -> Path:
    """The description file of a spec, there or not."""
    reach(spec.path)
    return spec.path / FILE_NAME if spec.path.is_dir() else spec.path


def _split(spec: Spec, path: Path, lists: Mapping[str, Path]) -> str:
    if spec.split is None and len(lists) == 1:
        return next(iter(lists))
    if spec.split not in lists:
        problem = "which split?" if spec.split is None else f"no split {spec.split!r}."
        choices = ", ".join(f"{spec.path}:{split}" for split in lists)
        raise DomainError(f"{path}: {problem} Write one of {choices}")
    return spec.split
