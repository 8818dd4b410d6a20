"""Values of a preset, from TOML: each function gives the value, or raises where it is none.

`preset.py` turns a TypeError, ValueError or AttributeError into one line of option and value.
"""

import math
from collections.abc import Callable
from typing import Any

from atdt.networks import NetworkSpec


def count(value: Any) -> int:
    """A whole number above 0."""
    if type(value) is not int or value < 1:
        raise ValueError
    return value


def number(value: Any) -> float:
    """A number above 0."""
    if type(value) not in (int, float) or not 0 < value < math.inf:
        raise ValueError
    return float(value)


def amount(value: Any) -> float:
    """A number, 0 or more."""
    if type(value) not in (int, float) or not 0 <= value < math.inf:
        raise ValueError
    return float(value)


def yes_or_no(value: Any) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise TypeError
    return value


def word(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def size(value: Any) -> tuple[int, int]:
    """Height and width."""
    if not isinstance(value, list):
        raise TypeError
    height, width = map(count, value)
    return height, width


def or_none(kind: str, made_of: Callable[[Any], Any]) -> tuple[str, Callable[[Any], Any]]:
    """A kind that may also be none, written "none"."""
    return f"{kind}, or none", lambda value: None if value == "none" else made_of(value)


def one_of(known: tuple[str, ...]) -> tuple[str, Callable[[Any], str]]:
    """A kind of which only these words are."""

    def chosen(value: Any) -> str:
        if value not in known:
            raise ValueError
        return value

    return f"one of {', '.join(known)}", chosen


def heights(value: Any) -> tuple[tuple[str, float], ...]:
    """Names → metres."""
    return tuple((word(name), amount(metres)) for name, metres in value.items())


def words(value: Any) -> tuple[str, ...]:
    """Several texts."""
    if isinstance(value, str):
        raise TypeError
    return tuple(map(word, value))


def network(value: Any) -> NetworkSpec:
    """A network by its name, or by name and options."""
    if isinstance(value, str):
        return NetworkSpec(word(value))
    options = {name: option for name, option in value.items() if name != "name"}
    return NetworkSpec(word(value.get("name")), options)


def losses(value: Any) -> tuple[tuple[str, float], ...]:
    """Names → weights."""
    return tuple((name, number(weight)) for name, weight in value.items())


COUNT = ("a whole number above 0", count)
NUMBER = ("a number above 0", number)
AMOUNT = ("a number, 0 or more", amount)
SIZE = ("[height, width]", size)
TEXT = ("a text", word)
