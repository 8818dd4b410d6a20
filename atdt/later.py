"""Options that a configuration gained later, and what they must not change while nobody uses them.

An experiment knows a step by a key over its configuration. An option that comes later would make
every key another one, and every training would be done again. So its field is marked by
`field(default=…, metadata=LATER)`, and its default is what was done before there was the option.
"""

from dataclasses import fields
from types import MappingProxyType
from typing import Any

LATER = MappingProxyType({"later": True})


def said(config: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, without those marked `LATER` that have their default."""
    return {
        each.name: getattr(config, each.name)
        for each in fields(config)
        if not ("later" in each.metadata and getattr(config, each.name) == each.default)
    }
