"""Which split of a data set an image belongs to: its path says so, or a list of names."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from atdt.domains.datasets.patterns import written
from atdt.errors import DomainError, UserError
from atdt.files import inside
from atdt.texts import read_bounded

ALL = "all"  # the split that may share images with others


class Splits:
    """The splits of a layout that can be chosen in a folder.

    Args:
        root: the data set's folder.
        rules: of each split, as layouts have them.

    Raises:
        DomainError: a list of names that is needed is absent, or cannot be read.
    """

    def __init__(self, root: Path, rules: Mapping[str, Mapping[str, Any]]):
        self._root = root
        self._rules = {split: rule for split, rule in rules.items() if _is_there(root, rule)}
        self._names = {
            split: _names(inside(root, rule["names"]))
            for split, rule in self._rules.items()
            if "names" in rule
        }
        self._met: dict[str, set[str]] = {split: set() for split in self._names}

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def splits_of(self, image: str, fields: Mapping[str, str]) -> list[str]:
        """Splits that an image is in, by its path's fields.

        Raises:
            DomainError: it is in two: what is learnt from tests nothing.
        """
        into = [split for split in self._rules if self._chooses(split, fields)]
        apart = [split for split in into if split != ALL]
        if len(apart) > 1:
            where = [self._rules[s].get("names") or self._rules[s].get("beside") for s in apart]
            where = [written(each, fields) for each in where if each]
            raise DomainError(
                f"{self._root / image}: is in the splits {' and '.join(apart)}, of which no image "
                f"may be in two; leave it out of one{f' ({", ".join(where)})' if where else ''}"
            )
        for split in into:
            if split in self._met:
                self._met[split].add(fields[self._rules[split]["field"]])
        return into

    def names_without_image(self) -> list[str]:
        """A line for each list that names images which are not there."""
        lines = []
        for split, names in self._names.items():
            lacking = sorted(names - self._met[split])
            if lacking:
                lines.append(
                    f"{split}: {len(lacking)} of the {len(names)} names in "
                    f"{self._rules[split]['names']} have no image, the first: {lacking[0]}"
                    + (" (names stand without folder and ending)" if _is_path(lacking[0]) else "")
                )
        return lines

    def _chooses(self, split: str, fields: Mapping[str, str]) -> bool:
        rule = self._rules[split]
        if split in self._names:
            return fields[rule["field"]] in self._names[split]
        if "beside" in rule:
            return (self._root / written(rule["beside"], fields)).is_dir()
        wanted = {field: values for field, values in rule.items() if field != "without"}
        return all(
            any(_is(fields[field], value) for value in _as_list(values))
            for field, values in wanted.items()
        )


def _is_there(root: Path, rule: Mapping[str, Any]) -> bool:
    """Whether a split can be chosen: an optional one may have no list."""
    return not rule.get("optional") or inside(root, rule["names"]).exists()


def _names(path: Path) -> set[str]:
    try:
        lines = read_bounded(path).decode("utf-8-sig").split("\n")
    except FileNotFoundError:
        raise DomainError(f"{path}: no such list, which says what is in the split") from None
    except (OSError, UnicodeDecodeError, UserError) as error:
        raise DomainError(f"{path}: cannot be read as a list ({error})") from None
    words = (line.split() for line in lines if not line.startswith("#"))
    return {first for first, *_ in filter(None, words)}


def _is_path(name: str) -> bool:
    return "/" in name or Path(name).suffix.lower() in (".png", ".jpg", ".jpeg")


def _as_list(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


def _is(value: str, wanted: str) -> bool:
    span = re.fullmatch(r"(\d+)-(\d+)", wanted)
    digits = re.fullmatch(r"\D*(\d+)", value)
    if span and digits:
        return int(span[1]) <= int(digits[1]) <= int(span[2])
    return value == wanted
