"""Scores of single images of B: each takes what is shown and gives a number an image, or None where
it has nothing to go by."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from atdt.diagnose.scores.figures import Which, figure_of
from atdt.diagnose.scores.shown import Pair, Shown
from atdt.domains.labels import LabelSpace
from atdt.tasks.base import Task, stack_records
from atdt.training.batches import label_tensor
from atdt.training.cross_task import consistency_error

TEMPERATURE = 0.05  # of soft neighbourhood density, as published
PIXELS = 1024  # of an image that are neighbours of each other
PLACES = 256  # locations of an image whose features are looked at


def agreement_of_seeds(shown: Shown, which: Which) -> np.ndarray | None:
    """T2's own figure, with the predictions of other seeds in the place of the truth."""
    return _agreement(shown, "seeds", _beside(shown, shown.seeds), which)


def agreement_with_baseline(shown: Shown, which: Which) -> np.ndarray | None:
    """The same with N2's."""
    there = [] if shown.baseline is None else [shown.baseline]
    return _agreement(shown, "baseline", _beside(shown, there), which)


def agreement_with_median(shown: Shown, which: Which) -> np.ndarray | None:
    """The same with those by the median output of all networks."""
    there = [] if shown.median is None else [shown.median]
    return _agreement(shown, "median", _beside(shown, there), which)


def consistency_under_views(shown: Shown, which: Which) -> np.ndarray | None:
    """The same with its own prediction of the same pixels, seen in other views of the image."""
    return _agreement(shown, "views", shown.views, which)


def entropy(shown: Shown) -> np.ndarray | None:
    """Mean entropy of the classes' probabilities, over that of a uniform guess; (n,) in 0…1."""
    if shown.made.output is None:
        return None
    shares = torch.softmax(shown.made.output.float(), dim=1)
    most = math.log(shares.shape[1])
    return (torch.special.entr(shares).sum(dim=1).mean(dim=(1, 2)) / most).numpy()


def soft_neighbourhood_density(shown: Shown) -> np.ndarray | None:
    """Mean entropy of each pixel's similarities to the others of its image, in nats (Saito, Kim,
    Teterwak, Sclaroff, Darrell, Saenko, "Tune it the Right Way", ICCV 2021).

    Between classes' probabilities as vectors of length 1, at temperature 0.05, without the pixel
    itself. Published between images; between the pixels of an image, some on a grid, is our
    reading.
    """
    if shown.made.output is None:
        return None
    found = []
    for output in shown.made.output:
        step = math.ceil(math.sqrt(output[0].numel() / PIXELS))
        some = output.float()[:, step // 2 :: step, step // 2 :: step].flatten(1)
        vectors = torch.nn.functional.normalize(torch.softmax(some, dim=0), dim=0)
        similar = vectors.T @ vectors / TEMPERATURE
        similar.fill_diagonal_(-math.inf)
        shares = torch.softmax(similar, dim=1)
        found.append(float(torch.special.entr(shares).sum(dim=1).mean()))
    return np.array(found)


def share_outside(shown: Shown) -> np.ndarray | None:
    """Share of the locations at which G leaves what E2's features are like on A."""
    if shown.known is None or shown.made.features is None:
        return None
    return shown.known.shares(shown.made.features.numpy(), PLACES)


@torch.inference_mode()
def cross_task_consistency(shown: Shown) -> np.ndarray | None:
    """How far T1, read off the prediction by R, is from B's labels of it, (n,); see
    `atdt.training.cross_task`. NaN of an image without a label."""
    r, made = shown.cross_task, shown.made
    if r is None or made.prediction is None:
        return None
    output = made.output
    if output is None:
        output = torch.from_numpy(np.stack([shown.task.output_of(one) for one in made.prediction]))
    device = next(r.network.parameters()).device
    label = label_tensor(r.task.label, shown.t1)
    errors = consistency_error(r, output.to(device), label.to(device))
    return errors.flatten(1).nanmean(dim=1).cpu().numpy()


def _beside(shown: Shown, others: Sequence[np.ndarray]) -> Sequence[Sequence[Pair]]:
    """For each image its prediction and those of others (n, …)."""
    if shown.made.prediction is None:
        return ()
    return [[(own, one[row]) for one in others] for row, own in enumerate(shown.made.prediction)]


def _agreement(
    shown: Shown, name: str, pairs: Sequence[Sequence[Pair]], which: Which
) -> np.ndarray | None:
    """T2's figure of each image, mean over its pairs: the first measured as if the second were
    true. All figures come at once, and are remembered."""
    if not any(pairs):
        return None
    task, space = shown.task, shown.space
    if name not in shown.memory:
        shown.memory[name] = [[_figures(pair, task, space) for pair in of] for of in pairs]
    key = figure_of(task, space, which).key
    return np.array([_mean(found[key] for found in of) for of in shown.memory[name]])


def _figures(pair: Pair, task: Task, space: LabelSpace) -> dict[str, float]:
    stack = stack_records([task.measure(*pair, space)])
    figures = task.scores(stack, np.ones((1, 1)), space)
    return {key: float(values[0]) for key, values in figures.items()}


def _mean(values: Iterable[float]) -> float:
    """Of what is a number; NaN of none."""
    numbers = [value for value in values if not math.isnan(value)]
    return sum(numbers) / len(numbers) if numbers else math.nan
