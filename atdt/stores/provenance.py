"""What an array was computed with, and how that differs from what a run brings."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

# What makes features belong to a network: compared by train and decode.
KEY = ("encoder_sha256", "level", "preprocessing")
# What the last bits of features depend on: compared by resume.
GRID = ("device", "threads", "precision", "batch")
# What says where an array came from, and changes none of its numbers.
NOTES = ("created", "command", "versions", "run", "taught_by", "focal")
# What the store itself adds to an array's attributes.
OWN = ("schema", "units", "compressor")

WORDS = {"encoder_sha256": "encoder"}
ABSENT = "nothing"


def differences(
    recorded: Mapping[str, Any],
    wanted: Mapping[str, Any],
    fields: Iterable[str] = KEY,
    sides: tuple[str, str] = ("store has", "run has"),
) -> list[str]:
    """One line for each of `fields` in which `wanted` is not what was recorded.

    A line starts with the field's word and a colon (`encoder: store has ab12…, run has cd34…`);
    the parts of a field that is a table are compared one by one (`preprocessing.mean: …`).
    `sides` are the words for where the two come from.
    """
    lines: list[str] = []
    for name in fields:
        ours, theirs = plain(recorded.get(name)), plain(wanted.get(name))
        _compare(WORDS.get(name, name), ours, theirs, sides, lines)
    return lines


def identity_fields(recorded: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The fields that decide whether two arrays hold the same thing: all but notes and the grid."""
    aside = {*GRID, *NOTES}
    return [name for name in {**recorded, **wanted} if name not in aside]


def plain(value: Any) -> Any:
    """`value` as JSON would give it back: tuples become lists, keys become strings."""
    return json.loads(json.dumps(value))


def _compare(
    name: str, recorded: Any, wanted: Any, sides: tuple[str, str], lines: list[str]
) -> None:
    if recorded == wanted:
        return
    if isinstance(recorded, dict) and isinstance(wanted, dict):
        for key in {**recorded, **wanted}:
            _compare(f"{name}.{key}", recorded.get(key), wanted.get(key), sides, lines)
        return
    lines.append(f"{name}: {sides[0]} {_short(recorded)}, {sides[1]} {_short(wanted)}")


def _short(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, str):
        is_digest = len(value) == 64 and set(value) <= set("0123456789abcdef")
        return value[:12] + "…" if is_digest else value
    return json.dumps(value, ensure_ascii=False)
