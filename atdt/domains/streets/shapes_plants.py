"""Trees, bushes and hedges, from six generators each."""

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


def tree_summer(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Drops of leaves, widest low down; crowns in storeys; weeping ones with strands."""
    tree = Assembly(VEGETATION, coarse)
    kind = rng.random()
    if kind < 0.35:
        height, reach = rng.uniform(5.5, 8.0), rng.uniform(1.3, 1.9)
        tree.limb("trunk", (0, 0, 0), (0, 2.2, 0), 0.18, 0.14)
        tree.ball("leaves", (reach, 0.8 * reach, reach), (0, 1.6 + 0.8 * reach, 0), 2, rng, 0.06)
        tree.limb("leaves", (0, 1.8 + 0.9 * reach, 0), (0, height, 0), 0.94 * reach, 0.1, 9)
    elif kind < 0.7:
        level, reach = rng.uniform(2.0, 2.8), rng.uniform(1.5, 2.0)
        tree.limb("trunk", (0, 0, 0), (0, level + 3.4, 0), 0.15, 0.08)
        for step in range(3):
            at = (rng.uniform(-0.2, 0.2), level + 1.45 * step + 0.4, rng.uniform(-0.2, 0.2))
            size = reach * (1.0 - 0.25 * step)
            tree.ball("leaves", (size, 0.62, size), at, 1, rng, 0.1)
    else:
        crown, reach = rng.uniform(4.2, 5.4), rng.uniform(1.7, 2.3)
        tree.limb("trunk", (0, 0, 0), (0.2, crown, 0), 0.26, 0.16)
        tree.ball("leaves", (reach, 1.1, reach), (0.2, crown, 0), 1, rng, 0.08)
        for angle in np.linspace(0.0, 2 * np.pi, 9, endpoint=False):
            x, z = 0.2 + 0.82 * reach * np.cos(angle), 0.82 * reach * np.sin(angle)
            low = crown - rng.uniform(1.4, 2.8)
            tree.limb("leaves", (x, crown + 0.3, z), (1.15 * x, low, 1.15 * z), 0.5, 0.2, 5)
    return tree.done()


def tree_winter(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Bare, branches fork twice and end in brushes of twigs; or firs in ragged tiers."""
    tree = Assembly(VEGETATION, coarse)
    if rng.random() < 0.4:
        height, reach = rng.uniform(5.5, 9.0), rng.uniform(1.5, 2.1)
        tree.limb("trunk", (0, 0, 0), (0, 0.4 * height, 0), 0.2, 0.14)
        for step in range(6):
            low = 0.5 + step * 0.15 * height
            size = reach * (1.0 - 0.14 * step)
            at = (0, low + 0.13 * height, 0)
            tree.ball("needles", (size, 0.14 * height, size), at, 1, rng, 0.22)
        tree.limb("needles", (0, 0.85 * height, 0), (0, height + 0.5, 0), 0.4, 0.05, 5)
        return tree.done()
    fork = rng.uniform(2.0, 3.0)
    tree.limb("trunk", (0, 0, 0), (0, fork, 0), 0.26, 0.2)
    for angle in np.linspace(0.0, 2 * np.pi, int(rng.integers(4, 6)), endpoint=False):
        turn, out = angle + rng.uniform(-0.4, 0.4), rng.uniform(0.5, 1.0)
        elbow = (out * np.cos(turn), fork + rng.uniform(1.0, 1.9), out * np.sin(turn))
        tree.limb("trunk", (0, fork - 0.2, 0), elbow, 0.14, 0.07, 4)
        for number in range(7):
            far, away = turn + rng.uniform(-0.9, 0.9), out + rng.uniform(0.3, 1.1)
            tip = (away * np.cos(far), elbow[1] + rng.uniform(0.2, 2.4), away * np.sin(far))
            share, broad = rng.uniform(0.4, 0.65), rng.uniform(0.16, 0.3)
            if coarse:
                if number % 2:
                    tree.limb("leaves", elbow, tip, 0.05, broad, 3)
                continue
            middle = tuple(np.array(elbow) * (1.0 - share) + np.array(tip) * share)
            tree.limb("leaves", elbow, middle, 0.03, broad, 3)
            tree.limb("leaves", middle, tip, broad, 0.02, 3)
    return tree.done()


def bush_dome(rng: np.random.Generator, coarse: bool) -> Prefab:
    """A wide low dome with a smaller one on it."""
    bush = Assembly(VEGETATION, coarse)
    size = rng.uniform(0.7, 1.15)
    bush.ball("leaves", (size, 0.55 * size, size), (0, 0.3 * size, 0), 1, rng, 0.05)
    bush.ball("leaves", (0.5 * size, 0.4 * size, 0.5 * size), (0, 0.75 * size, 0), 1, rng, 0.05)
    return bush.done()


def bush_fan(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Stiff twigs that fan out from one foot, thicker at their ends."""
    bush = Assembly(VEGETATION, coarse)
    for angle in np.linspace(0.0, 2 * np.pi, int(rng.integers(7, 11)), endpoint=False):
        out, tall = rng.uniform(0.2, 0.8), rng.uniform(0.7, 1.4)
        tip = (out * np.cos(angle), tall, out * np.sin(angle))
        bush.limb("leaves", (0, 0, 0), tip, 0.07, rng.uniform(0.12, 0.24), 4)
    return bush.done()


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


def hedge_vault(height: float, length: float, rng: np.random.Generator, coarse: bool) -> Prefab:
    """A hedge along z with a rounded top and upright ends."""
    hedge = Assembly(VEGETATION, coarse)
    low = max(height - 0.45, 0.2)
    hedge.box("leaves", (0.9, low, length), (0, low / 2, 0))
    hedge.limb("leaves", (0, low, -length / 2), (0, low, length / 2), 0.45, sections=10)
    return hedge.done()


def hedge_tubs(height: float, length: float, rng: np.random.Generator, coarse: bool) -> Prefab:
    """Small pointed evergreens along z, shoulder to shoulder in a bed of ivy."""
    hedge = Assembly(VEGETATION, coarse)
    hedge.box("leaves", (0.8, 0.35, length), (0, 0.175, 0))
    count = max(2, round(length / 0.8))
    for z in (np.arange(count) + 0.5) / count * length - length / 2:
        top = (rng.uniform(-0.08, 0.08), height * rng.uniform(0.85, 1.25), z)
        hedge.limb("needles", (0, 0.2, z), top, 0.48, 0.1, 7)
    return hedge.done()


TREES: dict[str, Callable[[np.random.Generator, bool], Prefab]] = {
    "jointed": tree_jointed,
    "walking": tree_walking,
    "coated": tree_coated,
    "umbrella": tree_umbrella,
    "summer": tree_summer,
    "winter": tree_winter,
}
BUSHES: dict[str, Callable[[np.random.Generator, bool], Prefab]] = {
    "jointed": bush_round,
    "walking": bush_clump,
    "coated": bush_cone,
    "umbrella": bush_clump,
    "summer": bush_dome,
    "winter": bush_fan,
}
HEDGES: dict[str, Callable[[float, float, np.random.Generator, bool], Prefab]] = {
    "jointed": hedge_box,
    "walking": hedge_row,
    "coated": hedge_box,
    "umbrella": hedge_row,
    "summer": hedge_vault,
    "winter": hedge_tubs,
}
