"""Which network: what an option of the command line, or a run, says of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atdt.errors import NetworkError

Option = str | int | float | bool | None
INITIAL_WEIGHTS = "weights"


@dataclass(frozen=True)
class NetworkSpec:
    """A network by name, and the options that its builder is given.

    Attributes:
        name: "tiny", "dilated-resnet50", "atdt-resnet50", "atdt-vgg", "resnet50", "resnet101",
            "vit" or "package.module:function".
        options: by name, each a string, a number, true, false or none.
    """

    name: str
    options: dict[str, Option] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it; `from_dict` takes it back."""
        return {"name": self.name, "options": dict(self.options)}

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> "NetworkSpec":
        """The spec that `to_dict` described.

        Raises:
            NetworkError: it is not such a description.
        """
        name, options = described.get("name"), described.get("options", {})
        if not isinstance(name, str) or not isinstance(options, Mapping):
            raise NetworkError(f"{dict(described)!r}: does not describe a network")
        for option, value in options.items():
            if not isinstance(value, Option):
                raise NetworkError(f"network {name!r}: option {option}={value!r} is no plain value")
        return cls(name, dict(options))

    def without_initial_weights(self) -> "NetworkSpec":
        """The same architecture with fresh weights, for a network whose own are loaded next.

        By convention the option "weights" names weights that training starts from. A finished run
        must come back without the file that it once started from.
        """
        kept = {name: value for name, value in self.options.items() if name != INITIAL_WEIGHTS}
        return NetworkSpec(self.name, kept)
