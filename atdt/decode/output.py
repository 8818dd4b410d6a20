"""From a batch's outputs to files: predictions, and logits and features where they are kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atdt.decode.config import Output
from atdt.decode.folder import PredictionsWriter
from atdt.decode.sources import Batch, Source
from atdt.domains.encodings import write_depth
from atdt.errors import NumericsError, UserError
from atdt.npy import write_npy
from atdt.predictions import FEATURES, LOGITS, PREDICTIONS
from atdt.tasks.base import Task
from atdt.tasks.depth import PNG_ENCODING, PNG_RANGE
from atdt.tasks.files import with_suffix


@dataclass(frozen=True)
class Sink:
    """Where results go and in which form.

    Attributes:
        place: part, image -> path of its file, still without suffix; its folder exists.
        task: turns outputs into predictions.
        config: which arrays are kept, and in which form.
    """

    place: Callable[[str, str], Path]
    task: Task
    config: Output

    def results(
        self, batch: Batch, output: torch.Tensor, features: torch.Tensor
    ) -> list[dict[str, np.ndarray]]:
        """For each image of a batch what is to be written: part -> array, on the CPU.

        Args:
            output: (N, C, h, w) of the decoder.
            features: (N, C', h', w') that the decoder was given.

        Raises:
            NumericsError: an output is not finite, or is kept in float16 and out of its range.
        """
        output = output.float()
        refuse_broken(batch, output)
        arrays = {PREDICTIONS: self.task.predict(output).cpu().numpy()}
        if self.config.save_logits:
            arrays[LOGITS] = self._cast(batch, output)
        if self.config.save_features:
            arrays[FEATURES] = self._cast(batch, features.float())
        return [
            {part: array[row] for part, array in arrays.items()} for row in range(len(batch.images))
        ]

    def save(self, image: str, arrays: dict[str, np.ndarray]) -> dict[str, Path]:
        """Write the files of one image: part -> file. Threads may call this at the same time."""
        return {
            part: self._write(part, self.place(part, image), array)
            for part, array in arrays.items()
        }

    def _write(self, part: str, path: Path, array: np.ndarray) -> Path:
        if part != PREDICTIONS:
            return write_npy(with_suffix(path, ".npy"), array)
        if self.config.depth_format == "png":
            metres = array.clip(*PNG_RANGE)  # a network may say less than nothing
            return write_depth(with_suffix(path, ".png"), metres, PNG_ENCODING)
        return self.task.write(path, array)

    def _cast(self, batch: Batch, values: torch.Tensor) -> np.ndarray:
        if self.config.save_dtype == "float32":
            return values.cpu().numpy()
        largest = values.abs().flatten(1).amax(dim=1)
        for image, peak in zip(batch.images, largest.tolist(), strict=True):
            if not peak <= torch.finfo(torch.float16).max:
                raise NumericsError(
                    f"{image}: a value of {peak:.3g} is out of the range of float16; "
                    "use --save-dtype float32"
                )
        return values.half().cpu().numpy()


def open_folder(
    task: Task, header: dict[str, Any], source: Source, config: Output
) -> PredictionsWriter:
    """Begin, or go on with, the predictions folder `config.out`.

    Raises:
        UserError: see `PredictionsWriter`; or depth's format is asked for and it is not depth.
    """
    if config.depth_format != "npy" and task.name != "depth":
        raise UserError(
            f"--depth-format {config.depth_format}: the networks predict {task.name}, not depth"
        )
    numbered = {
        index: image
        for batch in source.batches
        for index, image in zip(batch.indices, batch.images, strict=True)
    }
    wanted = {PREDICTIONS: True, LOGITS: config.save_logits, FEATURES: config.save_features}
    return PredictionsWriter(
        config.out,
        header,
        [numbered[index] for index in sorted(numbered)],
        [part for part, want in wanted.items() if want],
        resume=config.resume,
        overwrite=config.overwrite,
    )


def refuse_broken(batch: Batch, output: torch.Tensor) -> None:
    """Raise a NumericsError that names the first image whose output is not finite."""
    finite = torch.isfinite(output).flatten(1).all(dim=1).tolist()
    for image, good in zip(batch.images, finite, strict=True):
        if not good:
            raise NumericsError(
                f"{image}: the output holds NaN or infinity; the networks or the precision are "
                "unfit for it (try --precision float32)"
            )
