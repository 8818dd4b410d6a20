"""Trees, bushes and hedges, from four generators each."""

from collections.abc import Callable

import numpy as np

from atdt.domains.streets.classes import VEGETATION
from atdt.domains.streets.mesh import Assembly, Prefab


def tree_jointed(rng: np.random.Generator, coarse: bool) -> Prefab:
    """One lumpy crown on a straight trunk."""
    tree = Assembly(VEGETATION, coarse)
    height = rng.uniform(4.5, 7.0)
    crown = rng.uniform(1.3, 2.1)
    tree.limb("trunk", (0, 0, 0), (0, height - crown, 0), 0.17, 0.11)
    radii = (crown, crown * rng.uniform(0.9, 1.3), crown)
    tree.ball("leaves", radii, (0, height - 0.4 * crown, 0), 2, rng, 0.07)
    return tree.done()


def tree_walking(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Several clumps of leaves on branches, or a conifer of stacked cones."""
    tree = Assembly(VEGETATION, coarse)
    if rng.random() < 0.3:
        height = rng.uniform(6.0, 10.0)
        tree.limb("trunk", (0, 0, 0), (0, 1.6, 0), 0.18)
        for step in range(4):
            low = 1.1 + step * 0.2 * height
            radius = (1.0 - step * 0.22) * rng.uniform(1.5, 1.9)
            tree.limb("leaves", (0, low, 0), (0, low + 0.36 * height, 0), radius, 0.05, 8)
        return tree.done()
    fork = rng.uniform(2.2, 3.4)
    tree.limb("trunk", (0, 0, 0), (0.1, fork, 0), 0.24, 0.17)
    for _ in range(int(rng.integers(5, 8))):
        angle, out = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 1.7)
        clump = (out * np.cos(angle), fork + rng.uniform(0.9, 3.4), out * np.sin(angle))
        tree.limb("trunk", (0.1, fork, 0), clump, 0.09, 0.04, 4)
        size = rng.uniform(0.8, 1.4)
        tree.ball("leaves", (size, size * 0.75, size), clump, 1, rng, 0.18)
    return tree.done()


def tree_coated(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Poplars as spindles, and clipped trees with a box for a crown."""
    tree = Assembly(VEGETATION, coarse)
    if rng.random() < 0.5:
        height, radius = rng.uniform(7.0, 11.0), rng.uniform(0.8, 1.2)
        tree.limb("trunk", (0, 0, 0), (0, 1.5, 0), 0.16)
        tree.ball("leaves", (radius, height / 2, radius), (0, 0.9 + height / 2, 0), 2, rng, 0.05)
    else:
        side = rng.uniform(1.8, 2.8)
        tree.limb("trunk", (0, 0, 0), (0, 2.6, 0), 0.14)
        tree.box("leaves", (side, side * 0.8, side), (0, 2.5 + side * 0.4, 0))
    return tree.done()


def tree_umbrella(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Flat layers of leaves on a leaning trunk, as pines by the sea and planes have."""
    tree = Assembly(VEGETATION, coarse)
    height = rng.uniform(4.5, 8.0)
    lean = rng.uniform(-0.6, 0.6)
    tree.limb("trunk", (0, 0, 0), (lean, height, 0), 0.25, 0.12)
    for _ in range(int(rng.integers(2, 5))):
        reach = rng.uniform(1.2, 2.4)
        level = height + rng.uniform(-1.8, 0.4)
        x, z = lean + rng.uniform(-0.9, 0.9), rng.uniform(-0.9, 0.9)
        tree.limb("trunk", (lean * 0.6, height * 0.6, 0), (x, level, z), 0.1, 0.05, 4)
        tree.ball(
            "leaves", (reach, 0.5 * rng.uniform(0.8, 1.4), reach), (x, level, z), 1, rng, 0.15
        )
    return tree.done()


def bush_round(rng: np.random.Generator, coarse: bool) -> Prefab:
    """One ball."""
    bush = Assembly(VEGETATION, coarse)
    size = rng.uniform(0.5, 0.95)
    bush.ball("leaves", (size, size * 0.9, size), (0, size * 0.6, 0), 1, rng, 0.08)
    return bush.done()


def bush_clump(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Three or four uneven balls."""
    bush = Assembly(VEGETATION, coarse)
    for _ in range(int(rng.integers(3, 5))):
        size = rng.uniform(0.3, 0.7)
        at = (rng.uniform(-0.6, 0.6), size * 0.8, rng.uniform(-0.6, 0.6))
        bush.ball("leaves", (size, size, size), at, 1, rng, 0.25)
    return bush.done()


def bush_cone(rng: np.random.Generator, coarse: bool) -> Prefab:
    """A clipped cone."""
    bush = Assembly(VEGETATION, coarse)
    bush.limb("leaves", (0, 0, 0), (0, rng.uniform(0.9, 1.7), 0), rng.uniform(0.4, 0.7), 0.1, 8)
    return bush.done()


def hedge_box(height: float, length: float, rng: np.random.Generator, coarse: bool) -> Prefab:
    """A clipped hedge along z, `length` metres long."""
    hedge = Assembly(VEGETATION, coarse)
    hedge.box("leaves", (0.8, height, length), (0, height / 2, 0))
    return hedge.done()


def hedge_row(height: float, length: float, rng: np.random.Generator, coarse: bool) -> Prefab:
    """A hedge along z grown from bushes side by side."""
    hedge = Assembly(VEGETATION, coarse)
    count = max(2, round(length / 1.4))
    for z in (np.arange(count) + 0.5) / count * length - length / 2:
        tall = height * rng.uniform(0.8, 1.2)
        at = (rng.uniform(-0.1, 0.1), tall * 0.45, z)
        hedge.ball("leaves", (0.6, tall * 0.55, 0.95 * length / count), at, 1, rng, 0.15)
    return hedge.done()


TREES: dict[str, Callable[[np.random.Generator, bool], Prefab]] = {
    "jointed": tree_jointed,
    "walking": tree_walking,
    "coated": tree_coated,
    "umbrella": tree_umbrella,
}
BUSHES: dict[str, Callable[[np.random.Generator, bool], Prefab]] = {
    "jointed": bush_round,
    "walking": bush_clump,
    "coated": bush_cone,
    "umbrella": bush_clump,
}
HEDGES: dict[str, Callable[[float, float, np.random.Generator, bool], Prefab]] = {
    "jointed": hedge_box,
    "walking": hedge_row,
    "coated": hedge_box,
    "umbrella": hedge_row,
}
