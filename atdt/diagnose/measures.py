"""How far two clouds of features are apart, and how much one tells of the other."""

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from atdt.diagnose.clouds import Cloud

FOLDS = 5
MOST_PAIRS = 2000  # vectors of each side, where every pair is looked at
FAR = 0.99  # of a cloud's own vectors are nearer than what counts as far out


def norm_ratio(a: Cloud, b: Cloud) -> float:
    """Mean length of B's vectors ÷ of A's."""
    return float(_lengths(b.vectors).mean() / _lengths(a.vectors).mean())


def frechet(a: Cloud, b: Cloud) -> float:
    """Fréchet distance of the two as Gaussians (Heusel et al., NeurIPS 2017, there between images),
    in units of A's total variance."""
    mean_a, mean_b = (c.vectors.mean(axis=0, dtype=np.float64) for c in (a, b))
    of_a, of_b = (np.cov(c.vectors, rowvar=False, dtype=np.float64) for c in (a, b))
    values, vectors = np.linalg.eigh(of_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    crossed = np.linalg.eigvalsh(root @ of_b @ root)
    apart = ((mean_a - mean_b) ** 2).sum() + np.trace(of_a) + np.trace(of_b)
    apart -= 2 * np.sqrt(np.maximum(crossed, 0)).sum()
    return float(max(apart, 0.0) / np.trace(of_a))


def mmd(a: Cloud, b: Cloud) -> float:
    """Maximum mean discrepancy, unbiased and squared (Gretton et al., JMLR 2012), of the images'
    means, by a Gaussian kernel as wide as the median distance of the two together."""
    x, y = (c.means[:MOST_PAIRS].astype(np.float64) for c in (a, b))
    squares = pairwise_distances(np.concatenate([x, y]), metric="sqeuclidean")
    near = np.exp(-squares / np.median(squares[np.triu_indices_from(squares, 1)]))
    n, m = len(x), len(y)
    within = [
        (part.sum() - np.trace(part)) / (count * (count - 1))
        for part, count in ((near[:n, :n], n), (near[n:, n:], m))
    ]
    return float(sum(within) - 2 * near[:n, n:].mean())


def separability(a: Cloud, b: Cloud) -> float:
    """Balanced accuracy of a linear classifier of domains on single locations, cross-validated with
    all locations of an image on the same side; 0.5 is chance."""
    x = np.concatenate([a.vectors, b.vectors])
    y = np.repeat([0, 1], [len(a.vectors), len(b.vectors)])
    groups = np.concatenate([a.image, a.image.max() + 1 + b.image])
    linear = make_pipeline(StandardScaler(), RidgeClassifier(class_weight="balanced"))
    parts = min(FOLDS, len(a.means), len(b.means))
    folds = StratifiedGroupKFold(parts, shuffle=True, random_state=0)  # both domains in each
    found = cross_val_score(linear, x, y, groups=groups, cv=folds, scoring="balanced_accuracy")
    return float(found.mean())


class Far:
    """Whether vectors lie further out of the Gaussian of a cloud (Mahalanobis, covariance shrunk by
    Ledoit and Wolf) than 99 % of the cloud itself.

    Args:
        vectors: (R, C) of the cloud.
    """

    def __init__(self, vectors: np.ndarray):
        self._gauss = LedoitWolf().fit(vectors)
        self._limit = np.quantile(self._gauss.mahalanobis(vectors), FAR)

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """(N, C) -> (N,) bool."""
        return self._gauss.mahalanobis(vectors) > self._limit

    def shares(self, features: np.ndarray, most: int) -> np.ndarray:
        """Of each sample (n, C, h, w) the share of `most` of its locations, evenly spread: (n,)."""
        places = features.reshape(*features.shape[:2], -1)
        step = -(-places.shape[2] // most)
        return np.array([self(sample[:, ::step].T).mean() for sample in places])


class Alignment:
    """Linear CKA (Kornblith et al., ICML 2019) of two encoders at the same locations: 1 where one
    is a rotation and scaling of the other, 0 where neither tells anything of the other."""

    def __init__(self, channels: int, others: int):
        self._sums = [np.zeros(channels), np.zeros(others)]
        self._products = np.zeros((channels + others,) * 2)
        self._count = 0

    def add(self, x: np.ndarray, y: np.ndarray) -> None:
        """Add locations, (R, channels) and (R, others)."""
        both = np.concatenate([x, y], axis=1).astype(np.float64)
        self._products += both.T @ both
        for part, rows in zip(self._sums, (x, y), strict=True):
            part += rows.sum(axis=0, dtype=np.float64)
        self._count += len(both)

    def value(self) -> float:
        sums = np.concatenate(self._sums)
        covariance = self._products - np.outer(sums, sums) / self._count
        cut = len(self._sums[0])
        own, other = covariance[:cut, :cut], covariance[cut:, cut:]
        crossed = (covariance[:cut, cut:] ** 2).sum()
        return float(crossed / (np.linalg.norm(own) * np.linalg.norm(other)))


def _lengths(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=1)
