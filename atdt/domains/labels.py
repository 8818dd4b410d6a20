"""Label spaces: which class each semantic id stands for."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from atdt.errors import DomainError, UserError
from atdt.places import place
from atdt.texts import read_toml

IGNORE = 255  # the id of a pixel without a class, in every label space
BUILT_IN = Path(__file__).parent / "label_spaces"

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class LabelSpace:
    """Classes in the order of their ids 0 … C−1, with a colour (red, green, blue, 0–255) each.

    `void` is the colour that files have where there is no class, if they have one. It says how
    files are read, not what the ids mean: spaces that differ in it are equal.

    Raises:
        DomainError: no class or more than 255, a name twice or reserved, colours that do not fit.
    """

    name: str
    classes: tuple[str, ...]
    colours: tuple[Colour, ...]
    ignore: int = IGNORE
    void: Colour | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        where = f"label space {self.name!r}"
        if not 0 < len(self.classes) <= IGNORE:
            raise DomainError(f"{where}: {len(self.classes)} classes; 1 to {IGNORE} are possible")
        for name in self.classes:
            if not name or self.classes.count(name) > 1 or name == "ignore":
                raise DomainError(f"{where}: class {name!r} is empty, twice there, or reserved")
        if len(self.colours) != len(self.classes):
            raise DomainError(
                f"{where}: {len(self.colours)} colours for {len(self.classes)} classes"
            )
        for colour in self.colours if self.void is None else (*self.colours, self.void):
            if len(colour) != 3 or not all(0 <= part <= 255 for part in colour):
                raise DomainError(f"{where}: colour {list(colour)} is not three numbers 0 to 255")
        if self.void in self.colours:
            raise DomainError(f"{where}: void has the colour of a class, {list(self.void)}")
        if self.ignore != IGNORE:
            raise DomainError(f"{where}: ignore is {self.ignore}; only {IGNORE} is possible")

    def to_dict(self) -> dict[str, Any]:
        """Name, classes and colours, as JSON can hold them."""
        return {
            "name": self.name,
            "classes": list(self.classes),
            "colours": [list(colour) for colour in self.colours],
        }

    def to_file(self) -> dict[str, Any]:
        """What a label space's TOML file holds: `to_dict`, and void."""
        return self.to_dict() | ({} if self.void is None else {"void": list(self.void)})

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "LabelSpace":
        """What `to_dict` or `to_file` made, or a label space's TOML file holds.

        Raises:
            DomainError: a key is missing or unknown, or has a value of another type.
        """
        needed = {"name", "classes", "colours"}
        if not isinstance(content, dict) or set(content) - {"void"} != needed:
            raise DomainError(
                "a label space has exactly the keys name, classes and colours, or void too"
            )
        name, classes, colours = content["name"], content["classes"], content["colours"]
        void = content.get("void")
        if not isinstance(name, str) or not _all(classes, str):
            raise DomainError("a label space's name is a text, its classes are a list of texts")
        if not _all(colours, list | tuple) or not all(_all(colour, int) for colour in colours):
            raise DomainError("a label space's colours are a list of [red, green, blue]")
        if void is not None and not _all(void, int):
            raise DomainError("a label space's void is one [red, green, blue]")
        return cls(
            name,
            tuple(classes),
            tuple(tuple(colour) for colour in colours),
            void=None if void is None else tuple(void),
        )


def label_space(name_or_path: str | Path) -> LabelSpace:
    """A label space by name ("shared11", "camvid", "coarse4") or from a TOML file.

    The file holds `name`, `classes = ["road", …]` and `colours = [[128, 64, 128], …]`; and, where
    coloured label files have a colour of their own for no class, `void = [224, 224, 192]`.

    Raises:
        DomainError: no such name or file, or it holds no label space; the message names it.
    """
    text = str(name_or_path)
    if not text.endswith(".toml"):
        if text not in label_space_names():
            known = ", ".join(label_space_names())
            raise DomainError(f"label space {text!r}: known are {known}, or a path to a .toml file")
        return _read(BUILT_IN / f"{text}.toml")
    return _read(place(text))


@cache
def label_space_names() -> tuple[str, ...]:
    """Names that `label_space` knows."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def _read(path: Path) -> LabelSpace:
    try:
        return LabelSpace.from_dict(read_toml(path))
    except (OSError, ValueError) as error:
        raise DomainError(f"{path}: cannot be read as a label space ({error})") from None
    except UserError as error:
        raise DomainError(f"{path}: {error}") from None


def _all(values: Any, kind: Any) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(value, kind) for value in values)
