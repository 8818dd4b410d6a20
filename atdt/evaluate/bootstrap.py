"""Intervals by resampling: images, blocks of time, and seeds beside them.

A resample is a table of counts, so that a figure that is a mean over images, or comes from a sum of
confusion matrices, is computed for all replicates at once. The counts depend on the seed and the
sizes alone: every row of a table is measured on the same resamples, and their differences are
paired.
"""

import numpy as np

from atdt.errors import UserError

LEVEL = 0.95
IMAGES, SEEDS = 0, 1  # streams of random numbers that do not touch


def image_counts(images: int, replicates: int, seed: int, block: int = 1) -> np.ndarray:
    """How often each image is drawn in each resample.

    Args:
        images: N, in the order of the list, which is the order of time for video.
        block: 1 draws single images. Larger: *moving* blocks of that many consecutive images, that
            start anywhere and may overlap, are laid end to end and cut at N (Künsch, "The Jackknife
            and the Bootstrap for General Stationary Observations", Annals of Statistics 1989).

    Returns:
        (replicates, N) float64 counts; each row sums to N.

    Raises:
        UserError: a block is not between 1 and half of the images, or the seed is below 0.
    """
    if seed < 0:
        raise UserError(f"--seed {seed}: write 0 or more")
    if block < 1 or (block > 1 and 2 * block > images):
        raise UserError(
            f"--block {block}: of {images} images, a block may hold 1 to {max(images // 2, 1)}"
        )
    random = np.random.default_rng([seed, IMAGES])
    blocks = -(-images // block)
    starts = random.integers(0, images - block + 1, (replicates, blocks))
    drawn = (starts[:, :, None] + np.arange(block)).reshape(replicates, blocks * block)
    return _counts(drawn[:, :images], images)


def seed_counts(seeds: int, replicates: int, seed: int, stream: int = 0) -> np.ndarray:
    """How often each of `seeds` trainings is drawn in each resample: (replicates, seeds) float64.

    `stream` sets draws of different trainings apart. A single training is always drawn once. The
    spread of few trainings comes out too small, by √((n−1)/n) for n: three seeds are no proof.
    """
    random = np.random.default_rng([seed, SEEDS, stream])
    return _counts(random.integers(0, seeds, (replicates, seeds)), seeds)


def interval(values: np.ndarray, level: float = LEVEL) -> tuple[float, float] | None:
    """The percentile interval of replicates (R,) of a figure.

    None where there are no replicates, and where so many are undefined (not finite) that a limit
    could be one of them: more than (1 − level)/2.
    """
    tail = (1 - level) / 2
    defined = values[np.isfinite(values)]
    if not defined.size or values.size - defined.size > tail * values.size:
        return None
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def _counts(drawn: np.ndarray, size: int) -> np.ndarray:
    """Rows of drawn indices (R, D) as counts (R, size)."""
    rows = np.arange(len(drawn))[:, None] * size
    counts = np.bincount((rows + drawn).ravel(), minlength=len(drawn) * size)
    return counts.reshape(len(drawn), size).astype(np.float64)
