"""Predictions and the truth that they are measured against, image by image."""

from pathlib import Path

import numpy as np

from atdt.domains import Domain, View, ViewPlan
from atdt.errors import MismatchError
from atdt.predictions import INDEX, Predictions
from atdt.tasks.base import Task

KEEP_BYTES = 256 * 2**20


class Pairs:
    """Pairs (prediction, truth) in the order of the domain's list.

    Truth goes through view 0 of the plan that the predictions were made with: resized, cropped and
    padded as the image was. Pairs that fit in 256 MiB are read once, further ones each time.

    Args:
        known_only: of depth; truth is kept only where there is a prediction, which is not 0.

    Raises:
        MismatchError: the predictions are not those of this domain's images.
    """

    def __init__(
        self, predictions: Predictions, domain: Domain, task: Task, *, known_only: bool = False
    ):
        check_belongs(predictions, domain, task)
        self.known_only = known_only
        self.predictions, self.domain, self.task = predictions, domain, task
        self.plan = ViewPlan.from_dict(predictions.view)
        self.images = tuple(sample.image for sample in domain.samples)
        self._kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._left = KEEP_BYTES

    def __len__(self) -> int:
        return len(self.images)

    def path(self, index: int) -> Path:
        """The prediction's file."""
        return self.predictions.path(self.images[index])

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Prediction and truth of one image, both h × w pixels.

        Raises:
            MismatchError: they differ in size.
        """
        if index in self._kept:
            return self._kept[index]
        prediction = self.predictions.read(self.images[index], self.task)
        truth = self.truth(index)
        if prediction.shape != truth.shape:
            raise MismatchError(
                f"{self.path(index)}: is {_size(prediction)}, but its truth is {_size(truth)} in "
                "the view of the predictions; predict again"
            )
        if self.known_only:
            truth = np.where(prediction > 0, truth, 0).astype(truth.dtype)
        size = prediction.nbytes + truth.nbytes
        if size <= self._left:
            self._left -= size
            self._kept[index] = prediction, truth
        return prediction, truth

    def enlarged(self, index: int) -> float:
        """Width of an image in the view's resize over its native width; 1 without a resize."""
        view = self._view(index)
        return view.resized[1] / view.native[1]

    def truth(self, index: int) -> np.ndarray:
        """Truth of one image in view 0; of a task without labels, made from the clean image."""
        if self.task.label is not None:
            return self.label(index, self.task.label)
        import torch

        image = torch.from_numpy(self._view(index).image(self.domain.image(index)))
        return self.task.target(image[None], None)[0].numpy()

    def label(self, index: int, kind: str) -> np.ndarray:
        """A label of one image in view 0."""
        return self._view(index).label(self.domain.label(index, kind), kind)

    def _view(self, index: int) -> View:
        return self.plan.draw(self.images[index], 0, self.domain.image_size(index))


def check_belongs(predictions: Predictions, domain: Domain, task: Task) -> None:
    """Prove that the predictions are of exactly this domain's images, in its label space.

    Raises:
        MismatchError: another list or label map, missing or further images, other classes.
    """
    index = predictions.folder / INDEX
    made = predictions.domain
    given = f"{domain.name}:{domain.split}"
    if made["digest"] != domain.digest():
        raise MismatchError(
            f"{index}: predictions of {made['name']}:{made['split']} ({made['digest'][:12]}…), but "
            f"--domain is {given} ({domain.digest()[:12]}…): another list, split or label map"
        )
    wanted, there = {sample.image for sample in domain.samples}, set(predictions.images)
    for image in sorted(wanted - there):
        raise MismatchError(f"{index}: no prediction of {image!r} of {given}; predict again")
    for image in sorted(there - wanted):
        raise MismatchError(f"{index}: predicts {image!r}, which {given} does not have")
    classes = predictions.label_space["classes"]
    if task.label == "semantic" and tuple(classes) != domain.label_space.classes:
        raise MismatchError(
            f"{index}: ids stand for {', '.join(classes)}, but {given} is labelled with "
            f"{', '.join(domain.label_space.classes)}"
        )


def _size(array: np.ndarray) -> str:
    return "×".join(str(side) for side in array.shape)
