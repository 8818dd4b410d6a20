"""What a sweep tries: a TOML file becomes trainings of G, with a name for each.

    steps = 1000                          # of all; any option of `atdt train`
    losses = { mse = 1 }

    [[grid]]                              # a list is varied: every combination becomes a training
    architecture = ["bottleneck", "residual"]
    learning_rate = [1e-3, 3e-4]
    options.width = [64, 128]
    seed = [0, 1]

    [[grid]]
    architecture = "ridge"
    options.neighbourhood = [1, 3]

What all must share, since they learn from the same batches, is for the top alone: `SHARED`.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from atdt.errors import UserError
from atdt.texts import read_toml
from atdt.transfer import TransferTraining
from atdt.transfer.losses import check_losses

SHARED = ("steps", "batch", "window", "held_out", "precision", "order_seed")
VARIED = (
    "architecture",
    "options",
    "start",
    "learning_rate",
    "schedule",
    "seed",
    "losses",
    "feature_noise",
    "mixup",
    "keep",
    "level",
    "source_level",
    "target_level",
)
KINDS = {int: (int, "whole number"), float: (int | float, "number"), str: (str, "text")}
UNSET = {"window": int, "order_seed": int} | dict.fromkeys(
    ("level", "source_level", "target_level"), str
)  # kinds of options that are None where nothing is said
MOST = 1000  # trainings: a typing error must not ask for a million
LONGEST = 120  # letters of a name


@dataclass(frozen=True)
class Trial:
    """A training of the sweep.

    Attributes:
        name: of its folder.
        config: all options.
    """

    name: str
    config: TransferTraining

    @property
    def seedless(self) -> str:
        """What trainings have in common that differ by their seed alone."""
        described = self.config.described()
        described.pop("seed"), described.pop("order_seed", None)
        return repr(sorted(described.items(), key=lambda item: item[0]))


def read_grid(path: Path, base: TransferTraining) -> tuple[Trial, ...]:
    """The trainings that a grid file asks for; their folders lie in that of `base`.

    Args:
        path: the TOML file.
        base: what the file says nothing about.

    Raises:
        UserError: the file cannot be read, an option is unknown, or two trainings are the same;
            names the file.
    """
    try:
        content = read_toml(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as a grid ({error})") from None
    try:
        return _trials(content, base)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _trials(content: Mapping[str, Any], base: TransferTraining) -> tuple[Trial, ...]:
    content = dict(content)
    tables = content.pop("grid", None)
    if not isinstance(tables, list) or not tables:
        raise UserError("has no [[grid]], which says what is tried")
    _known(content, (*SHARED, *VARIED), "at the top")
    tried = [choice for table in tables for choice in _choices(content, table)]
    if len(tried) > MOST:
        raise UserError(f"asks for {len(tried)} trainings; {MOST} are the most")
    names = _names([{"architecture": base.architecture} | choice for choice in tried])
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{name!r} is there twice: the same training, or values alike in print")
    order = base.order if base.order_seed is None else base.order_seed
    trials = []
    for name, choice in zip(names, tried, strict=True):
        config = replace(base, **({"order_seed": order} | choice))
        trials.append(Trial(name, replace(config, out=base.out / name)))
    for trial in trials:
        _check_kinds(trial)
        trial.config.check()
        check_losses(trial.config.weights)
    return tuple(trials)


def _check_kinds(trial: Trial) -> None:
    """Refuse values of another kind than the option's own."""
    for option in fields(TransferTraining):
        value = getattr(trial.config, option.name)
        usual = KINDS.get(UNSET.get(option.name, type(option.default)))
        if usual is None or (value is None and option.name in UNSET):
            continue
        if isinstance(value, bool) or not isinstance(value, usual[0]):
            raise UserError(f"{trial.name}: {option.name} = {value!r}: is no {usual[1]}")
    if not isinstance(trial.config.losses, Mapping | tuple):
        said = f"losses = {trial.config.losses!r}: write a table, such as {{ mse = 1 }}"
        raise UserError(f"{trial.name}: {said}")


def _choices(common: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The combinations of a table's lists, each with what is common."""
    _known(table, VARIED, "in [[grid]]")
    flat = _flat(common) | _flat(table)
    axes = [value if isinstance(value, list) else [value] for value in flat.values()]
    if any(not axis for axis in axes):
        raise UserError("an option in [[grid]] has no value: []")
    for values in itertools.product(*axes):
        yield _nested(dict(zip(flat, values, strict=True)))


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """Options by their own names, those of the architecture as options.NAME."""
    flat = {name: value for name, value in table.items() if name != "options"}
    options = table.get("options", {})
    if not isinstance(options, dict):
        raise UserError(f"options = {options!r} is no table, such as options.width = 64")
    return flat | {f"options.{name}": value for name, value in options.items()}


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    options = {name.split(".", 1)[1]: v for name, v in flat.items() if name.startswith("options.")}
    rest = {name: value for name, value in flat.items() if not name.startswith("options.")}
    return rest | {"options": options}


def _known(table: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    if not isinstance(table, dict):
        raise UserError("[[grid]] is a table of options")
    for name in table:
        if name not in names:
            hint = "; it belongs to the top, for all" if name in SHARED else ""
            raise UserError(f"unknown option {name!r} {where}{hint}; known are {', '.join(names)}")


def _names(tried: Sequence[dict[str, Any]]) -> list[str]:
    """Names of what differs: the architecture and its options, the others, the seed."""
    flats = [_flat(choice) for choice in tried]
    every = dict.fromkeys(name for flat in flats for name in flat)
    differing = [
        name
        for name in every
        if name != "architecture" and len({repr(flat.get(name)) for flat in flats}) > 1
    ]
    differing.sort(key=lambda name: (name == "seed", not name.startswith("options.")))
    names = []
    for flat in flats:
        said = [str(flat["architecture"])]
        said += [_said(name, flat[name]) for name in differing if name in flat]
        names.append(re.sub(r"[^A-Za-z0-9.+=_-]", "_", "-".join(said))[:LONGEST])
    return names


def weights_text(weights: Mapping[str, float]) -> str:
    """Losses with their weights, in a word."""
    return "+".join(f"{loss}{weight:g}" for loss, weight in weights.items())


def _said(name: str, value: Any) -> str:
    if name == "losses":
        return weights_text(dict(value))
    short = {"learning_rate": "lr", "seed": "s"}.get(name, name.removeprefix("options."))
    return f"{short}{value:g}" if isinstance(value, int | float) else f"{short}{value}"
