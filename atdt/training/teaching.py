"""What makes of a batch whose labels are partly predictions the batch that is learnt from."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from atdt.errors import RunError
from atdt.networks import TaskNetwork
from atdt.predictions import CONFIDENCE
from atdt.tasks.base import Task
from atdt.training.batches import Batch, Taught, TaughtViews
from atdt.training.further import Teaching
from atdt.training.pasting import covered, paste

PREFIX = "teacher."  # of a checkpoint's tensors


def taught_views(teaching: Teaching, task: Task) -> TaughtViews:
    """What a training needs of the views whose labels are predictions.

    Raises:
        RunError: the task cannot be taught so.
    """
    if teaching.teacher_decay is not None and task.name != task.label:
        raise RunError(f"--mean-teacher: predictions of {task.name} are no labels for it")
    if teaching.paste == "depth" and task.label == "depth":
        raise RunError(f"--copy-paste depth: {task.name} is what is learnt; use classes")
    maps = [CONFIDENCE] if teaching.needs_confidence else []
    if teaching.paste is not None and task.label != "semantic":
        maps.append("semantic")
    if teaching.paste == "depth":
        maps.append("depth")
    has_teacher = teaching.teacher_decay is not None
    return TaughtViews(
        weak=has_teacher, maps=tuple(maps), photometric="strong" if has_teacher else None
    )


class Teacher:
    """Labels, weighs and mixes the views of a batch whose labels are predictions.

    Args:
        teaching: how.
        task: that is learnt.
        network: of the student, where and as it will be trained.
        steps: of the training.
        seed: of what is pasted.
    """

    def __init__(
        self, teaching: Teaching, task: Task, network: TaskNetwork, *, steps: int, seed: int
    ):
        self._teaching, self._task, self._seed = teaching, task, seed
        self._first = math.ceil(teaching.teacher_from * steps)
        self._average: AveragedModel | None = None
        if teaching.teacher_decay is not None:
            follow = get_ema_multi_avg_fn(teaching.teacher_decay)
            average = AveragedModel(network, multi_avg_fn=follow, use_buffers=True)
            self._average = average.requires_grad_(False).eval()

    @torch.no_grad()
    def lesson(self, step: int, batch: Batch) -> Batch:
        """The batch that step `step` learns from; it may share memory with `batch`, which is used
        up. Every pixel of a label has weight 1."""
        taught, rows = batch.taught, batch.taught.rows
        label, weight = batch.label[rows], self._weight(batch.taught.maps.get(CONFIDENCE))
        if self._average is not None and step >= self._first:
            label, weight = self._labelled(taught, label, weight)
        if self._teaching.paste is not None:
            mask = self._covered(step, taught, label)
            batch.image[rows] = paste(batch.image[rows], mask)
            label = paste(label, mask)
            weight = None if weight is None else paste(weight, mask)
        batch.label[rows] = label
        if weight is None:
            return batch
        whole = weight.new_ones(len(batch.image), *weight.shape[1:])
        whole[rows] = weight
        return replace(batch, weight=whole)

    def follow(self, network: TaskNetwork) -> None:
        """Let the mean teacher take a step after the student."""
        if self._average is not None:
            self._average.update_parameters(network)

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint needs."""
        state = {} if self._average is None else self._average.state_dict()
        return {f"{PREFIX}{name}": tensor for name, tensor in state.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take over what `tensors` gave."""
        if self._average is not None:
            prefixed = {k: v for k, v in tensors.items() if k.startswith(PREFIX)}
            self._average.load_state_dict(
                {name.removeprefix(PREFIX): tensor for name, tensor in prefixed.items()}
            )

    def _labelled(
        self, taught: Taught, label: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Labels by the mean teacher, and their weight: of its own confidence, where it has one."""
        output = self._average(taught.weak).float()
        confidence = self._task.confidence(output)
        weight = weight if confidence is None else self._weight(confidence)
        return self._task.predict(output).to(label), weight

    def _weight(self, confidence: Tensor | None) -> Tensor | None:
        trust = self._teaching.trust
        if confidence is None or trust == "all":
            return None
        return confidence if trust == "confidence" else (confidence >= trust).float()

    def _covered(self, step: int, taught: Taught, label: Tensor) -> Tensor:
        classes = label if self._task.label == "semantic" else taught.maps["semantic"]
        generator = np.random.default_rng([self._seed, step])
        return covered(classes, taught.maps.get("depth"), generator)
