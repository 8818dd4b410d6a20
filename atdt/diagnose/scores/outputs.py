"""What networks make of T2 on a few images: G before D2, a head, N2 alone, a predictions folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from atdt.devices import precision_context
from atdt.errors import UserError
from atdt.predictions import LOGITS, Predictions
from atdt.tasks.base import Task
from atdt.training.load import LoadedNetwork
from atdt.transfer.head import Head
from atdt.transfer.through import Through

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Piece:
    """One view of a few images, as a store holds it.

    Attributes:
        images: their names.
        view: its number; 0 is the plain one.
        source: E1's features (n, C1, h1, w1), float32.
        baseline: E2's, (n, C2, h2, w2); None: the store has none.
    """

    images: tuple[str, ...]
    view: int
    source: Tensor
    baseline: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Made:
    """What a network makes of a piece.

    Attributes:
        prediction: (n, …), in the units of the labels; None: nothing decodes.
        output: (n, C, h, w) float32, the decoder's; None: it was not kept.
        features: (n, C2, h2, w2) float32, what G made of E1's; None: it made none.
    """

    prediction: np.ndarray | None = None
    output: Tensor | None = None
    features: Tensor | None = None


@dataclass(frozen=True, eq=False)
class D2:
    """N2's decoder from a level on, for views of one size.

    Attributes:
        teacher: N2, on the device where it is to compute.
        level: where it takes over.
        size: (height, width) of the views in pixels.
    """

    teacher: LoadedNetwork
    level: str
    size: Size

    @property
    def task(self) -> Task:
        return self.teacher.task

    def behind(self, network: nn.Module, features: Tensor) -> tuple[Tensor, Tensor | None]:
        """T2's output (n, C, h, w) behind a G or a head, and the features that G made."""
        if isinstance(network, Head):
            return network(features, size=self.size).float(), None
        through = Through(network, self.teacher.network, self.level)
        output, made = through.output_and_features(features, self.size)
        return output.float(), made.float()

    def of(self, features: Tensor) -> Tensor:
        """T2's output of E2's features, or of others like them."""
        return self.teacher.network.decode(features, self.level, size=self.size).float()


class Candidate(Protocol):
    """Whatever predicts T2 on B and is scored.

    Attributes:
        name: of its row.
        configuration: what it has in common with others that differ by their seed; "" for nothing.
        info: its run.json; empty where there is no run.
        network: the G or head; None: it has none.
        precision: see `atdt.devices`.
    """

    name: str
    configuration: str
    info: Mapping[str, Any]
    network: nn.Module | None
    precision: str

    def make(self, piece: Piece) -> Made | None:
        """What it makes of a piece; None: it has nothing of this view."""
        ...


@dataclass(frozen=True, eq=False)
class Transferred:
    """A G before D2, or a head on E1; see `Candidate`.

    Attributes:
        d2: None: nothing is decoded.
        device: where all of it is.
    """

    name: str
    network: nn.Module
    info: Mapping[str, Any]
    d2: D2 | None
    device: torch.device
    configuration: str = ""
    precision: str = "float32"

    @torch.no_grad()
    def make(self, piece: Piece) -> Made:
        features = piece.source.to(self.device)
        with precision_context(self.device, self.precision):
            if self.d2 is None:
                return Made(features=self.network(features).float().cpu())
            output, made = self.d2.behind(self.network, features)
        return _decoded(self.d2.task, output, made)


@dataclass(frozen=True, eq=False)
class Baseline:
    """N2 as it is, on its own features in B's store; see `Candidate`."""

    d2: D2
    device: torch.device
    name: str = "baseline: N2 as it is"
    configuration: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    network: None = None
    precision: str = "float32"

    @torch.no_grad()
    def make(self, piece: Piece) -> Made:
        return _decoded(self.d2.task, self.d2.of(piece.baseline.to(self.device)), None)


@dataclass(frozen=True, eq=False)
class Predicted:
    """Predictions of B's images in the plain view, whoever made them; see `Candidate`.

    Attributes:
        predictions: the folder.
        task: T2.
        size: (height, width) of the store's views, which they must have.
    """

    predictions: Predictions
    task: Task
    size: Size
    name: str
    configuration: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    network: None = None
    precision: str = "float32"

    def make(self, piece: Piece) -> Made | None:
        """Raises:
        UserError: an image's prediction is absent or of another size.
        """
        if piece.view:
            return None
        if self.predictions.has(LOGITS):
            outputs = [self.predictions.output(image) for image in piece.images]
            self._check(piece.images, [output.shape[1:] for output in outputs])
            return _decoded(self.task, torch.from_numpy(np.stack(outputs)), None)
        read = [self.predictions.read(image, self.task) for image in piece.images]
        self._check(piece.images, [prediction.shape[:2] for prediction in read])
        return Made(np.stack(read))

    def _check(self, images: Sequence[str], sizes: Sequence[tuple[int, ...]]) -> None:
        for image, size in zip(images, sizes, strict=True):
            if tuple(size) != self.size:
                raise UserError(
                    f"{self.predictions.folder}: the prediction of {image!r} is "
                    f"{size[0]}x{size[1]}, and the store's views are {self.size[0]}x{self.size[1]}"
                )


def _decoded(task: Task, output: Tensor, features: Tensor | None) -> Made:
    prediction = task.predict(output).cpu().numpy()
    return Made(prediction, output.cpu(), None if features is None else features.cpu())
