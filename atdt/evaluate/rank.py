"""Rank correlation of weighted samples, so that a bootstrap is a table of counts as elsewhere.

With counts as weights these are what SciPy's `spearmanr` and `kendalltau` give of the sample in
which each value is repeated as often as it was drawn.
"""

import numpy as np


def spearman(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Spearman's ρ, ties at their mean rank.

    Args:
        x, y: (N,).
        weights: (R, N), how often each value counts.

    Returns:
        (R,), NaN where all that counts is the same.
    """
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1)
    one, two = (_ranks(values, weights) for values in (x, y))
    one, two = (r - (weights * r).sum(axis=1, keepdims=True) / total for r in (one, two))
    spread = (weights * one**2).sum(axis=1) * (weights * two**2).sum(axis=1)
    return _divided((weights * one * two).sum(axis=1), spread)


def kendall(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Kendall's τ-b; arguments and result as of `spearman`."""
    one, two = (np.sign(values[:, None] - values[None]) for values in (x, y))
    both, only_x, only_y = (
        np.einsum("ri,ij,rj->r", weights, signs, weights, optimize=True)
        for signs in (one * two, one**2, two**2)
    )
    return _divided(both, only_x * only_y)


def _ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(R, N) mean ranks of the repeated values."""
    below, equal = values[:, None] > values[None], values[:, None] == values[None]
    return weights @ below.T + (weights @ equal.T + 1) / 2


def _divided(product: np.ndarray, squares: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(squares > 0, product / np.sqrt(squares), np.nan)
