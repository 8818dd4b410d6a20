"""How well a G does at T2: on A's held-out images, and on a store of B, where labels only judge."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from atdt.devices import precision_context
from atdt.domains.labels import LabelSpace
from atdt.errors import MismatchError, UserError
from atdt.stores import FeatureReader, open_store
from atdt.stores.provenance import differences
from atdt.tasks.base import Metric, Task
from atdt.training.load import LoadedNetwork
from atdt.transfer.head import Head
from atdt.transfer.setting import Setting, array_key, size_of_views

BATCH = 16  # samples that are decoded at once


@dataclass(frozen=True)
class Judge:
    """Features of E1 under T2's labels, and D2 behind the Gs that are judged.

    Attributes:
        teacher: N2.
        level: where its decoder takes over.
        size: (height, width) of the views.
        features: reader of E1's features.
        labels: reader of T2's labels.
        samples: those that are judged, sorted.
    """

    teacher: LoadedNetwork
    level: str
    size: tuple[int, int]
    features: FeatureReader
    labels: FeatureReader
    samples: np.ndarray

    @property
    def task(self) -> Task:
        return self.teacher.task

    @property
    def space(self) -> LabelSpace:
        return self.teacher.space

    @property
    def headline(self) -> Metric:
        """The figure that is asked for."""
        metrics = self.task.metrics(self.space)
        return next(metric for metric in metrics if metric.key == self.task.headline)

    @torch.no_grad()
    def score(self, network: nn.Module, device: torch.device, precision: str) -> float:
        """The headline figure of D2(G(E1)), or of a head."""
        was_training = network.training
        network.eval()
        records = []
        for features, labels in self._pieces():
            ready = torch.from_numpy(features).to(device, torch.float32)
            with precision_context(device, precision):
                output = self._output(network, ready).float()
            predicted = self.task.predict(output).cpu().numpy()
            records += [
                self.task.measure(one, truth, self.space)
                for one, truth in zip(predicted, labels, strict=True)
            ]
        network.train(was_training)
        return self.task.summarise(records, self.space)[self.task.headline]

    def _output(self, network: nn.Module, features: torch.Tensor) -> torch.Tensor:
        if isinstance(network, Head):
            return network(features, size=self.size)
        return self.teacher.network.decode(network(features), self.level, size=self.size)

    def _pieces(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Features and labels of the samples, a few at a time; a block is read once."""
        block_of = self.samples // (self.features.block_range(0)[1])
        for block in np.unique(block_of):
            start = self.features.block_range(int(block))[0]
            rows = self.samples[block_of == block] - start
            features, labels = (
                reader.read_block(int(block))[rows] for reader in (self.features, self.labels)
            )
            for first in range(0, len(rows), BATCH):
                yield features[first : first + BATCH], labels[first : first + BATCH]


def judge_on_a(setting: Setting) -> Judge | None:
    """On A's held-out images; None where nothing is held out, or N2 or labels are not there."""
    teacher, store = setting.teacher, setting.store
    samples = setting.held_out.samples
    if teacher is None or not len(samples) or teacher.task.label not in store.labels():
        return None
    labels = store.labels_reader(teacher.task.label)
    features = setting.readers["source"]
    return Judge(teacher, setting.target_level, setting.view_size, features, labels, samples)


def judge_on_b(path: Path, source: str, setting: Setting) -> Judge:
    """On the plain views of a store of B, in which E1 is the same as in A's.

    Raises:
        UserError: the store has no such features, or no labels of T2, or N2 is not given.
        MismatchError: its E1 is another than that of the store that G learns from.
    """
    store, teacher = open_store(path), setting.teacher
    if teacher is None:
        raise UserError(f"{path}: scores on B need D2, give --target-run")
    label = teacher.task.label
    if label is None or label not in store.labels():
        raise UserError(
            f"{path}: holds no {label or teacher.task.name!r} labels to judge by; "
            f"`atdt extract --labels {label}` adds them"
        )
    features = store.features(setting.source_level, source)
    found = differences(array_key(features), array_key(setting.readers["source"]))
    if found:
        raise MismatchError(
            f"{path}: {features.name} is not the E1 of {setting.store.path}: {'; '.join(found)}"
        )
    plain = np.flatnonzero(np.asarray(store.samples.view) == 0)
    labels = store.labels_reader(label)
    return Judge(teacher, setting.target_level, size_of_views(store), features, labels, plain)
