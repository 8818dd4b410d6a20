"""What G learns from on B: E1's features and labels, through D2; see `atdt.transfer.lessons`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from atdt.devices import precision_context
from atdt.errors import UserError
from atdt.stores import FeatureReader, Rows, Store, open_store
from atdt.training.cross_task import load_cross_task
from atdt.transfer.config import TransferTraining
from atdt.transfer.feed import B_LABEL, B_SOURCE, Batch, ResidentFeed, StreamingFeed
from atdt.transfer.held_out import HeldOut
from atdt.transfer.lessons import Agreement, Lesson, labels_of, own_labels
from atdt.transfer.losses import Teacher
from atdt.transfer.order import Epoch, Geometry
from atdt.transfer.setting import (
    Setting,
    geometry_of,
    hold_out_of,
    item_bytes,
    same_source,
    size_of_views,
    store_keys,
)

StoreFeed = ResidentFeed | StreamingFeed


@dataclass(frozen=True, eq=False)
class OnB:
    """A store of B, proved to go with the one of A, and what its labels teach.

    Attributes:
        store: of domain B.
        readers: E1's features and the labels, as `B_SOURCE` and `B_LABEL`.
        view_size: (height, width) of the views in pixels.
        lesson: on the CPU.
        held_out: images of B that are not trained on.
        geometry: of the order of B's samples, which has epochs of its own.
    """

    store: Store
    readers: Mapping[str, FeatureReader]
    view_size: tuple[int, int]
    lesson: Lesson
    held_out: HeldOut
    geometry: Geometry

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample in both arrays."""
        return sum(map(item_bytes, self.readers.values()))

    @property
    def train_samples(self) -> int:
        """Samples that are not held out."""
        return int(self.held_out.kept.sum())

    def said(self, weight: float) -> str:
        """What a user should know before the first step, a line."""
        return (
            f"B: {self.train_samples} samples to train on, {self.held_out.images} images held out; "
            f"{self.lesson.said()} × {weight:g}"
        )

    def depended_on(self) -> dict[str, Any]:
        """All that weights depend on, for the config of run.json."""
        return self.lesson.depended_on() | {
            "samples_sha256": self.store.samples.digest(),
            "domain": self.store.domain["digest"],
            "geometry": self.geometry.to_dict(),
        }

    def described(self, share: float) -> dict[str, Any]:
        """What run.json says of it; `share` of the images was held out."""
        return {
            "store": store_keys(self.store),
            "arrays": [reader.name for reader in self.readers.values()],
            **self.lesson.described(),
            "held_out": self.held_out.to_dict(share),
        }


def with_b(config: TransferTraining, setting: Setting) -> Setting:
    """`setting` with B's part in it, where `config` asks to learn there.

    Raises:
        UserError: the store of B, its arrays or the cross-task network cannot be used; it is that
            of A; or it has no labelled pixel.
        MismatchError: E1 is not the same in both stores; R reads another task or other classes than
            N2 gives, or B's labels have others than R or N2 knows.
    """
    if config.on_b is None:
        return setting
    store, teacher = open_store(config.on_b.b), setting.teacher
    if store.domain["digest"] == setting.store.domain["digest"]:
        raise UserError(
            f"{store.path}: is of {store.domain.get('name')}:{store.domain.get('split')}, as is "
            f"{setting.store.path}; give a store of B"
        )
    if config.consistency is None:
        lesson, labels = own_labels(store, teacher)
    else:
        cross_task = load_cross_task(config.consistency.run)
        cross_task.check_reads(teacher.task, teacher.space.classes, config.target_run)
        lesson, labels = Agreement(cross_task), labels_of(store, cross_task)
    features = same_source(store, config.source, setting)
    _refuse_unlabelled(labels, lesson)
    readers = {B_SOURCE: features, B_LABEL: labels}
    sample_bytes = sum(map(item_bytes, readers.values()))
    b = OnB(
        store=store,
        readers=readers,
        view_size=size_of_views(store),
        lesson=lesson,
        held_out=hold_out_of(store, config.held_out, sample_bytes),
        geometry=geometry_of(store, sample_bytes, config.batch, config.window),
    )
    return replace(setting, b=b)


def _refuse_unlabelled(labels: FeatureReader, lesson: Lesson) -> None:
    """Prove that a pixel is labelled: a loss over none is 0, which looks perfect. Reads blocks
    until it finds one, in most stores of the first sample."""
    rows = Rows(labels)
    for sample in range(labels.shape[0]):
        if lesson.labelled(torch.from_numpy(rows.read([sample]))) > 0:
            return
    raise UserError(f"{labels.path}: no pixel of it has a label that could teach anything")


class Agreeing:
    """The loss on B: a lesson's, of D2(G(E1)) or what a head says.

    Args:
        b: what is learnt from.
        weight: of the loss.
        teacher: whose D2 stands behind G, on the device; None for a head.
        device, precision: see `atdt.devices`.
    """

    def __init__(
        self,
        b: OnB,
        weight: float,
        teacher: Teacher | None,
        device: torch.device,
        precision: str,
    ):
        self.weight = weight
        self._lesson = b.lesson.on(device, precision)
        self._size, self._device, self._precision = b.view_size, device, precision
        self._teacher = None if teacher is None else replace(teacher, size=b.view_size)

    @property
    def name(self) -> str:
        """Of the loss."""
        return self._lesson.name

    def labelled(self, batch: Batch) -> Tensor:
        """How many pixels `loss` is a mean over, a scalar."""
        return self._lesson.labelled(batch[B_LABEL])

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Of a batch on the device that has `B_SOURCE` and `B_LABEL`, a scalar."""
        teacher = self._teacher
        size = self._size if teacher is None else teacher.feature_size
        with precision_context(self._device, self._precision):
            made = network(batch[B_SOURCE], size=size).float()
        output = made if teacher is None else teacher.decode(made)
        return self._lesson.loss(output, batch[B_LABEL])


class PairedFeed:
    """The feed of A, beside which stands that of B; a context manager.

    Attributes:
        b: of the arrays of `OnB.readers`.
    """

    def __init__(self, a: StoreFeed, b: StoreFeed):
        self._a, self.b = a, b

    def batches(self, epoch: Epoch, first: int = 0) -> Iterator[Batch]:
        """A's, see `ResidentFeed.batches`."""
        return self._a.batches(epoch, first)

    def held_out(self, samples: np.ndarray, batch: int) -> Iterator[Batch]:
        """A's, see `ResidentFeed.held_out`."""
        return self._a.held_out(samples, batch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._a.__exit__(*error)
        self.b.__exit__(*error)
