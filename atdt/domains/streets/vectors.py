"""Products of many 3-vectors, in elementwise float64: the same bits on every processor.

Matrix products would go through a BLAS, whose order of summation depends on the machine.
"""

import numpy as np


def dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Inner products (N,) of the rows of two (N, 3) arrays."""
    return first[:, 0] * second[:, 0] + first[:, 1] * second[:, 1] + first[:, 2] * second[:, 2]


def cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cross products (N, 3) of the rows of two (N, 3) arrays."""
    (a, b, c), (d, e, f) = first.T, second.T
    return np.stack([b * f - c * e, c * d - a * f, a * e - b * d], axis=1)
