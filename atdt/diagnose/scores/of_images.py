"""Scores of single images of B: each takes what is shown and gives a number an image, or None where
it has nothing to go by."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from atdt.diagnose.scores.figures import Which, figure_of
from atdt.diagnose.scores.shown import Pair, Shown
from atdt.tasks.base import stack_records

TEMPERATURE = 0.05  # of soft neighbourhood density, as published
PIXELS = 1024  # of an image that are neighbours of each other
PLACES = 256  # locations of an image whose features are looked at


def agreement_of_seeds(shown: Shown, which: Which) -> np.ndarray | None:
    """T2's own figure, with the predictions of other seeds in the place of the truth."""
    return _mean_agreement(shown, shown.seeds, which)


def agreement_with_baseline(shown: Shown, which: Which) -> np.ndarray | None:
    """The same with N2's."""
    return _mean_agreement(shown, [] if shown.baseline is None else [shown.baseline], which)


def agreement_with_others(shown: Shown, which: Which) -> np.ndarray | None:
    """The same with those by the mean output of all other networks."""
    return _mean_agreement(shown, [] if shown.others is None else [shown.others], which)


def consistency_under_views(shown: Shown, which: Which) -> np.ndarray | None:
    """The same with its own prediction of the same pixels, seen in other views of the image."""
    if not any(shown.views):
        return None
    return np.array([_mean(_agreement(shown, pair, which) for pair in of) for of in shown.views])


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


def _mean_agreement(
    shown: Shown, with_these: Sequence[np.ndarray], which: Which
) -> np.ndarray | None:
    if shown.made.prediction is None or not with_these:
        return None
    return np.array(
        [
            _mean(_agreement(shown, (own, one[row]), which) for one in with_these)
            for row, own in enumerate(shown.made.prediction)
        ]
    )


def _agreement(shown: Shown, pair: Pair, which: Which) -> float:
    """T2's figure of an image: the first measured as if the second were true."""
    task, space = shown.task, shown.space
    figures = task.scores(stack_records([task.measure(*pair, space)]), np.ones((1, 1)), space)
    return float(figures[figure_of(task, space, which).key][0])


def _mean(values: Iterable[float]) -> float:
    """Of what is a number; NaN of none."""
    numbers = [value for value in values if not math.isnan(value)]
    return sum(numbers) / len(numbers) if numbers else math.nan
