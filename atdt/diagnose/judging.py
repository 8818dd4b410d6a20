"""How well a G does at T2 where labels are: on A's held-out images, on a rehearsal, and, to judge
and never to choose, on B."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from atdt.devices import precision_context
from atdt.diagnose.scores.figures import figure_of
from atdt.diagnose.scores.outputs import D2
from atdt.domains import ViewPlan, open_domain
from atdt.domains.labels import LabelSpace
from atdt.errors import DomainError, UserError
from atdt.stores import FeatureReader, Rows, Store, open_store
from atdt.tasks.base import Metric, Task
from atdt.training.load import LoadedNetwork
from atdt.transfer.setting import Setting, same_source, size_of_views

BATCH = 16  # samples that are decoded at once


@dataclass(frozen=True, eq=False)
class Judge:
    """Features of E1 under T2's labels, and D2 behind the Gs that are judged.

    Attributes:
        d2: N2's decoder.
        features: reader of E1's features.
        labels: reader of T2's labels.
        samples: those that are judged, sorted.
        focal_ratios: of each of them, see `focal_ratios`; None: unknown, or of no use to T2.
    """

    d2: D2
    features: FeatureReader
    labels: FeatureReader
    samples: np.ndarray
    focal_ratios: np.ndarray | None = None

    @property
    def task(self) -> Task:
        return self.d2.task

    @property
    def space(self) -> LabelSpace:
        return self.d2.teacher.space

    @property
    def headline(self) -> Metric:
        """The figure that is asked for."""
        return figure_of(self.task, self.space, "headline")

    def score(self, network: nn.Module, device: torch.device, precision: str) -> float:
        """The headline figure of D2(G(E1)), or of a head."""
        return self.figures(network, device, precision)[self.task.headline]

    @torch.no_grad()
    def figures(
        self,
        network: nn.Module,
        device: torch.device,
        precision: str,
        focal_scale: float | None = 1.0,
    ) -> Mapping[str, float]:
        """Every figure of D2(G(E1)), or of a head, see `Task.summarise`.

        Args:
            focal_scale: N2's focal length over the one that this network learnt depth under; None:
                that is not known.
        """
        was_training = network.training
        network.eval()
        records = []
        for rows, features, labels in self._pieces():
            ready = torch.from_numpy(features).to(device, torch.float32)
            with precision_context(device, precision):
                output, _ = self.d2.behind(network, ready)
            predicted = self.task.predict(output).cpu().numpy()
            records += [
                self.task.measure(one, truth, self.space, **self._ways(row, focal_scale))
                for row, one, truth in zip(rows, predicted, labels, strict=True)
            ]
        network.train(was_training)
        return self.task.summarise(records, self.space)

    def _ways(self, row: int, focal_scale: float | None) -> dict[str, float]:
        if self.focal_ratios is None or focal_scale is None:
            return {}
        return {"focal_ratio": float(self.focal_ratios[row]) * focal_scale}

    def _pieces(self) -> Iterator[tuple[range, np.ndarray, np.ndarray]]:
        """Rows of `samples`, their features and labels, a few at a time."""
        features, labels = Rows(self.features), Rows(self.labels)
        for first in range(0, len(self.samples), BATCH):
            samples = self.samples[first : first + BATCH]
            rows = range(first, first + len(samples))
            yield rows, features.read(samples), labels.read(samples)


def judge_on_a(setting: Setting) -> Judge | None:
    """On A's held-out images; None where nothing is held out, or N2 or labels are not there."""
    teacher, store = setting.teacher, setting.store
    samples = setting.held_out.samples
    if teacher is None or not len(samples) or not _has_truth(store, teacher.task.label):
        return None
    labels = store.labels_reader(teacher.task.label)
    d2 = D2(teacher, setting.target_level, setting.view_size)
    return Judge(d2, setting.readers["source"], labels, samples)


def _has_truth(store: Store, label: str | None) -> bool:
    """Whether a store has labels of a kind that are no predictions."""
    return label in store.labels() and "taught_by" not in store.labels_reader(label).attrs


def judge_on(path: Path, source: str, setting: Setting) -> Judge | None:
    """On the plain views of a store of another domain; None where it has no labels of T2
    but predictions.

    Raises:
        UserError: the store has no such features, or N2 is not given.
        MismatchError: its E1 is another than that of the store that G learns from.
    """
    store, teacher = open_store(path), setting.teacher
    if teacher is None:
        raise UserError(f"{path}: scores on it need D2, give --target-run")
    features = same_source(store, source, setting)
    label = teacher.task.label
    if not _has_truth(store, label):
        return None
    samples = np.flatnonzero(np.asarray(store.samples.view) == 0)
    d2 = D2(teacher, setting.target_level, size_of_views(store))
    ratios = focal_ratios(store, teacher, samples) if "focal_ratio" in teacher.task.ways else None
    return Judge(d2, features, store.labels_reader(label), samples, ratios)


def judge_rehearsal(path: Path, source: str, setting: Setting) -> Judge:
    """The same of a rehearsal, which is of no use without labels.

    Raises:
        UserError, MismatchError: as `judge_on`; or the store holds no labels of T2.
    """
    judge = judge_on(path, source, setting)
    if judge is None:
        task = setting.teacher.task
        raise UserError(
            f"{path}: holds no {task.label or task.name!r} labels of its own to rehearse with; "
            f"`atdt extract --labels {task.label}` adds them"
        )
    return judge


def focal_ratios(store: Store, teacher: LoadedNetwork, samples: np.ndarray) -> np.ndarray | None:
    """Focal length of the camera that took each sample's image over that of N2's training camera,
    in pixels of the views; as `atdt.evaluate.focal`, but of a store. None where one is unknown, or
    the domain is not where it was."""
    trained = teacher.run.info.get("training_focal")
    if trained is None:
        return None
    try:
        domain = open_domain(f"{store.domain.get('path')}:{store.domain.get('split')}")
        places = {sample.image: index for index, sample in enumerate(domain.samples)}
        plan, ratios = ViewPlan.from_dict(store.plan), []
        for sample in samples:
            image, native = str(store.samples.image[sample]), store.samples.size[sample]
            focal = domain.focal(places[image])
            if focal is None:
                return None
            size = (int(native[0]), int(native[1]))
            ratios.append(focal * plan.draw(image, 0, size).resized[1] / size[1] / trained)
    except (DomainError, KeyError):
        return None
    return np.array(ratios)
