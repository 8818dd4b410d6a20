"""Refusals that trainings and predictions have in common, whatever they are of."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from atdt.errors import UserError
from atdt.places import is_remote, place

MOST_ZOOM = 2


def check_counts(config: Any, names: Iterable[str], wrong: type[UserError] = UserError) -> None:
    """Refuse a count below 1; None, where it is no number of its own, is let through.

    Args:
        config: has them by these names, which with hyphens are those of the options.
        wrong: what is raised.

    Raises:
        UserError: naming the option and the value.
    """
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 1:
            raise wrong(f"--{name.replace('_', '-')} {value}: must be ≥ 1")


def check_seed_and_rate(config: Any, wrong: type[UserError] = UserError) -> None:
    """Refuse a seed below 0, and a learning rate that is no finite number above 0.

    Raises:
        UserError: naming the option and the value.
    """
    if config.seed < 0:
        raise wrong(f"--seed {config.seed}: must be ≥ 0")
    if not 0 < config.learning_rate < math.inf:
        raise wrong(f"--learning-rate {config.learning_rate}: must be above 0, and finite")


def check_zoom_and_shift(zoom: float, shift: float) -> None:
    """Refuse what no draw is magnified or shifted by.

    Args:
        zoom: logarithm of the largest factor.
        shift: share of the sides.

    Raises:
        UserError: naming the option and the value.
    """
    if not 0 <= zoom <= MOST_ZOOM:
        raise UserError(f"--zoom {zoom}: must be from 0 to {MOST_ZOOM}, the logarithm of a factor")
    if not 0 <= shift < 1:
        raise UserError(f"--shift {shift}: must be at least 0 and below 1")


def check_goes_on_or_anew(
    *, resume: bool, overwrite: bool, wrong: type[UserError] = UserError
) -> None:
    """Refuse both at once.

    Raises:
        UserError: they exclude each other.
    """
    if resume and overwrite:
        raise wrong("--resume and --overwrite exclude each other: go on, or start anew?")


def check_out_apart(
    out: Path, read: Iterable[Path | None], wrong: type[UserError] = UserError
) -> None:
    """Refuse to write over what is read.

    Args:
        out: a folder, what it holds being replaced by --overwrite.
        read: runs, predictions and stores that are read for it; None: nothing.
        wrong: what is raised.

    Raises:
        UserError: one of `read` is `out`, or lies in it.
    """
    where = _whole(out)
    for path in read:
        if path is not None and (where == _whole(path) or where in _whole(path).parents):
            raise wrong(f"--out {out}: is or holds {path}, which is read; choose another --out")


def _whole(path: Path) -> Path:
    path = place(path)
    return path if is_remote(path) else path.resolve()
