"""What a worker does of a decoding: it predicts a block of images and writes their files aside."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from atdt.decode.config import Output
from atdt.decode.folder import STAGING, drop_staged, identity
from atdt.decode.ledger import ledger_digest
from atdt.decode.output import Sink
from atdt.decode.pipeline import Compute, Files, Predictor, predicted
from atdt.decode.sources import Batch, Known
from atdt.devices import described, pick_device
from atdt.errors import WorkerError
from atdt.files import make_folder
from atdt.predictions import LEDGER


@dataclass(frozen=True)
class Order:
    """What a worker is to open.

    Attributes:
        prepare: see `atdt.decode.making.Prepare`.
        config: of the verb; its paths are absolute.
        known: of the images.
    """

    prepare: Callable[[Any, torch.device, Known], Predictor]
    config: Output
    known: Known


@dataclass(frozen=True)
class Unit:
    """Batches that are predicted together.

    Attributes:
        batches: one after the other.
        ledger: digest of the header of the folder that they are for.
    """

    batches: tuple[Batch, ...]
    ledger: str


class DecodingBench:
    """Networks and images that are ready; see `atdt.cluster.Bench`."""

    def __init__(self, order: Order):
        self._config = order.config
        self._device = pick_device(order.config.device)
        made = order.prepare(order.config, self._device, order.known)
        self._predictor = replace(made, compute=_in_turn(made.compute))
        self.description = description(described(self._device), made.header)

    def work(self, unit: Unit) -> Files:
        """The files of each image, in a folder that is nobody else's.

        Raises:
            WorkerError: the predictions folder is not on this machine, or not wanted any more.
            DomainError, NumericsError: as `atdt.decode.decode`.
        """
        self._refuse_other(unit)
        folder = self._config.out / STAGING / secrets.token_hex(8)
        make_folder(folder)
        numbers = {image: n for n, image in enumerate(i for b in unit.batches for i in b.images)}

        def place(part: str, image: str) -> Path:
            return folder / f"{part}-{numbers[image]}"

        sink = Sink(place, self._predictor.task, self._config)
        files: Files = {}
        try:
            for written in predicted(self._predictor, unit.batches, sink, self._device):
                files |= written
            self._refuse_other(unit)  # else who is late would leave files that nobody deletes
        except BaseException:
            drop_staged(folder)
            raise
        return files

    def _refuse_other(self, unit: Unit) -> None:
        out = self._config.out
        if ledger_digest(out / LEDGER) != unit.ledger:
            raise WorkerError(f"{out}: not the folder that is being written; is its disk shared?")


def description(device: str, header: dict[str, Any]) -> dict[str, Any]:
    """What all workers of a decoding, and its client, must agree on.

    Args:
        device: in words.
    """
    agreed = identity({k: v for k, v in header.items() if k != "skipped"})
    return {
        "device": device,
        "header": {**agreed, "computed": {**agreed["computed"], "device": ""}},
    }


def _in_turn(compute: Compute) -> Compute:
    """One unit computes while another reads or writes."""
    turn = threading.Lock()

    def waiting(batch: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        with turn:
            return compute(batch, size)

    return waiting
