"""What follows E1: G and the D2 of an N2 that belongs to it, or a head."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from atdt.decode.belonging import load_side
from atdt.decode.header import run_info
from atdt.domains import LabelSpace
from atdt.errors import UserError
from atdt.runs import Run
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.transfer.building import HEAD_MODE, focal_of
from atdt.transfer.head import Head
from atdt.transfer.load import LoadedTransfer
from atdt.transfer.through import Through


@dataclass(frozen=True)
class Decoder:
    """G and D2, or a head.

    Attributes:
        task, space: T2.
        module: its `output_and_features` takes features of E1 and the view's (h, w).
        method: what predictions.json says of it.
        mismatch: differences that were let through.
        run: of N2; None of a head.
    """

    task: Task
    space: LabelSpace
    module: Through | Head
    method: dict[str, Any]
    mismatch: list[str]
    run: Run | None = None


def load_decoder(
    transfer: LoadedTransfer,
    given: Path | None,
    size: tuple[int, int],
    allowed: Sequence[str],
    device: torch.device,
    allow_import: bool,
) -> Decoder:
    """Load what follows E1, see `load_side` for the arguments and what is raised.

    Raises:
        UserError: N2 is given, and the transfer run is a head.
    """
    if transfer.mode == HEAD_MODE:
        return _head(transfer, given)
    loaded, mismatch = load_side("target", given, transfer, size, allowed, device, allow_import)
    method = {
        "decoder": run_info(loaded.run),
        "training_focal": focal_of(transfer.run.info, loaded.run.info),
    }
    module = Through(transfer.module, loaded.network, transfer.level)
    return Decoder(loaded.task, loaded.space, module, method, mismatch, loaded.run)


def _head(transfer: LoadedTransfer, given: Path | None) -> Decoder:
    info = transfer.run.info
    if given is not None:
        raise UserError(
            f"--decoder {given}: {transfer.run.path} is a head, which decodes by itself"
        )
    return Decoder(
        get_task(info["target"]["task"]),
        LabelSpace.from_dict(info["head"]["label_space"]),
        transfer.module,
        {"training_focal": focal_of(info, info["head"])},
        [],
    )
