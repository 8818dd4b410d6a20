"""People, from six generators, so that the shape of one domain's people tells little of another's.

Each generator takes random numbers and whether the object is far away (`coarse`: fewer triangles),
and gives a `Prefab` that faces +z.
"""

from itertools import pairwise

import numpy as np

from atdt.domains.streets.classes import PERSON
from atdt.domains.streets.mesh import Assembly, Prefab


def jointed(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Upright, with straight limbs and a box for a torso, as a wooden manikin."""
    body = Assembly(PERSON, coarse)
    tall = rng.uniform(0.9, 1.08)
    wide = rng.uniform(0.9, 1.15)
    spread = rng.uniform(0.02, 0.06)
    for side in (-1, 1):
        hip, foot = (side * 0.1 * wide, 0.92 * tall, 0), (side * (0.1 + spread), 0.08, 0)
        body.limb("trousers", hip, foot, 0.095 * wide, 0.065)
        body.box("shoe", (0.11, 0.09, 0.28), (side * (0.1 + spread), 0.05, 0.06))
        shoulder = (side * 0.27 * wide, 1.42 * tall, 0)
        hand = (side * 0.33 * wide, 0.82 * tall, 0.04)
        body.limb("shirt", shoulder, hand, 0.062, 0.045)
        body.ball("skin", (0.055, 0.07, 0.055), hand, 0)
    low, high = 0.86 * tall, 1.48 * tall
    body.frustum("shirt", (0.36 * wide, 0.22), (0.46 * wide, 0.24), low, high)
    body.limb("skin", (0, high, 0), (0, high + 0.1, 0), 0.06)
    body.ball("skin", (0.11, 0.145, 0.125), (0, high + 0.2, 0.01))
    body.ball("hair", (0.12, 0.11, 0.13), (0, high + 0.265, -0.025))
    return body.done()


def walking(rng: np.random.Generator, coarse: bool) -> Prefab:
    """In mid-stride, with knees and elbows; some with a skirt, a hat or a rucksack."""
    body = Assembly(PERSON, coarse)
    tall = rng.uniform(0.86, 1.1)
    wide = rng.uniform(0.85, 1.25)
    stride = rng.uniform(0.12, 0.42)
    skirt = rng.random() < 0.35
    hip, shoulder = 0.95 * tall, 1.43 * tall
    for side in (-1, 1):
        swing = side * stride
        x = side * 0.09 * wide
        knee = (x, 0.52 * tall, 0.45 * swing + 0.06)
        foot = (x, 0.09, swing - (0.12 if swing < 0 else 0.0))
        leg = "skin" if skirt else "trousers"
        body.limb(leg, (x, hip, 0), knee, 0.1 * wide, 0.075)
        body.limb(leg, knee, foot, 0.072, 0.05)
        body.ball("shoe", (0.05, 0.05, 0.14), (x, 0.06, foot[2] + 0.07), 0)
        elbow = (side * 0.3 * wide, 1.14 * tall, -0.25 * swing)
        hand = (side * 0.27 * wide, 0.95 * tall, -0.6 * swing + 0.16)
        body.limb("shirt", (side * 0.22 * wide, shoulder, 0), elbow, 0.065, 0.05)
        body.limb("skin" if skirt else "shirt", elbow, hand, 0.048, 0.036)
    body.limb("shirt", (0, hip - 0.06, 0), (0, shoulder + 0.05, 0.02), 0.16 * wide, 0.235 * wide,
              sections=8, flat=0.62)  # fmt: skip
    if skirt:
        body.limb("trousers", (0, hip + 0.05, 0), (0, 0.5 * tall, 0), 0.16 * wide, 0.3 * wide,
                  sections=8)  # fmt: skip
    body.limb("skin", (0, shoulder, 0.02), (0, shoulder + 0.15, 0.03), 0.055)
    head = shoulder + 0.25
    body.ball("skin", (0.095, 0.13, 0.115), (0, head, 0.04))
    if rng.random() < 0.3:
        body.limb("hat", (0, head + 0.06, 0.03), (0, head + 0.17, 0.03), 0.13, 0.09, sections=8)
        body.limb("hat", (0, head + 0.04, 0.03), (0, head + 0.07, 0.03), 0.2, 0.2, sections=8)
    else:
        long = rng.uniform(0.1, 0.2)
        body.ball("hair", (0.105, long, 0.115), (0, head + 0.1 - 0.5 * long, -0.01))
    if rng.random() < 0.35:
        body.box("bag", (0.3, 0.42, 0.18), (0, shoulder - 0.2, -0.22))
    return body.done()


def coated(rng: np.random.Generator, coarse: bool) -> Prefab:
    """In a long coat that hides the hips; some with a hood or a child's height."""
    body = Assembly(PERSON, coarse)
    tall = rng.uniform(0.92, 1.08) if rng.random() < 0.8 else rng.uniform(0.6, 0.75)
    hem = rng.uniform(0.35, 0.75) * tall
    shoulder = 1.45 * tall
    for side in (-1, 1):
        x = side * 0.1
        body.limb("trousers", (x, hem + 0.15, 0), (x, 0.06, side * 0.1), 0.08, 0.06)
        body.box("shoe", (0.1, 0.1, 0.26), (x, 0.05, side * 0.1 + 0.05))
        hand = (side * 0.31, 0.85 * tall, 0.08 * side)
        body.limb("shirt", (side * 0.2, shoulder - 0.02, 0), hand, 0.08, 0.07, flat=1.2)
        body.ball("skin", (0.05, 0.06, 0.05), hand, 0)
    body.limb("shirt", (0, hem, 0), (0, shoulder * 0.7, 0), rng.uniform(0.24, 0.32), 0.18,
              sections=8, flat=0.75)  # fmt: skip
    body.limb("shirt", (0, shoulder * 0.7, 0), (0, shoulder + 0.04, 0), 0.18, 0.22,
              sections=8, flat=0.65)  # fmt: skip
    body.ball("skin", (0.1, 0.135, 0.12), (0, shoulder + 0.17, 0.03))
    if rng.random() < 0.5:
        body.ball("shirt", (0.135, 0.17, 0.13), (0, shoulder + 0.18, -0.03))
    else:
        body.ball("hair", (0.11, 0.1, 0.125), (0, shoulder + 0.25, 0))
    return body.done()


def umbrella(rng: np.random.Generator, coarse: bool) -> Prefab:
    """With rounded limbs; two in three hold an umbrella, which counts as part of the person."""
    body = Assembly(PERSON, coarse)
    tall = rng.uniform(0.88, 1.06)
    step = rng.uniform(0.05, 0.3)
    wide = rng.uniform(0.95, 1.3)
    hip, shoulder = 0.9 * tall, 1.42 * tall
    for side in (-1, 1):
        foot = (side * 0.11, 0.08, side * step)
        body.limb("trousers", (side * 0.09, hip, 0), foot, 0.1 * wide, 0.055, sections=8)
        body.ball("shoe", (0.06, 0.07, 0.15), (foot[0], 0.06, foot[2] + 0.05), 0)
    body.ball("shirt", (0.22 * wide, 0.36 * tall, 0.16 * wide), (0, 1.17 * tall, 0))
    body.ball("shirt", (0.25 * wide, 0.14, 0.14), (0, shoulder, 0))
    head = shoulder + 0.24
    body.ball("skin", (0.1, 0.13, 0.12), (0, head, 0.02))
    body.ball("hair", (0.11, 0.1, 0.12), (0, head + 0.06, -0.02))
    arms = [(-0.3 * wide, 0.9 * tall, 0.05), (0.3 * wide, 0.9 * tall, -0.05)]
    if rng.random() < 0.66:
        grip = (0.16, 1.2 * tall, 0.25)
        arms[1] = grip
        top = head + 0.42
        body.limb("hat", grip, (0.1, top, 0.1), 0.02, sections=4)
        body.limb(
            "umbrella", (0.1, top - 0.22, 0.1), (0.1, top + 0.04, 0.1), 0.58, 0.04, sections=8
        )
    for side, hand in zip((-1, 1), arms, strict=True):
        elbow = (side * 0.32 * wide, 1.12 * tall, 0.02)
        body.limb("shirt", (side * 0.23 * wide, shoulder, 0), elbow, 0.07, 0.06)
        body.limb("shirt", elbow, hand, 0.06, 0.045)
    return body.done()


def summer(rng: np.random.Generator, coarse: bool) -> Prefab:
    """In shorts or a wide dress and short sleeves, bare limbs apart; caps, and bags in a hand."""
    body = Assembly(PERSON, coarse)
    tall = rng.uniform(0.88, 1.1) if rng.random() < 0.85 else rng.uniform(0.62, 0.75)
    lean, step = rng.uniform(0.0, 0.12), rng.uniform(0.05, 0.4)
    dress = rng.random() < 0.4
    hip, shoulder = 0.96 * tall, 1.45 * tall
    for side in (-1, 1):
        x, swing = side * 0.11, side * step
        knee, foot = (x, 0.5 * tall, 0.6 * swing + 0.03), (x * 1.1, 0.1, swing)
        broad = 0.085 if dress else 0.12
        body.limb("skin" if dress else "trousers", (x * 0.9, hip, 0), knee, broad, 0.84 * broad)
        body.limb("skin", knee, foot, 0.066, 0.05)
        body.limb("shoe", (foot[0], 0.055, foot[2] - 0.08), (foot[0], 0.05, foot[2] + 0.2), 0.055)
        top = (side * 0.2, shoulder - 0.03, lean)
        elbow = (side * 0.34, 1.15 * tall, lean - 0.5 * swing)
        hand = (side * 0.37, 0.98 * tall, lean - 0.5 * swing + 0.2)
        body.limb("shirt", top, elbow, 0.085, 0.075)
        body.limb("skin", elbow, hand, 0.05, 0.042)
        if side > 0 and rng.random() < 0.4:
            body.box("bag", (0.12, 0.34 * tall, 0.28), (hand[0], 0.76 * tall, hand[2]))
    if dress:
        body.limb("shirt", (0, 1.08 * tall, lean), (0, 0.5 * tall, 0), 0.17, 0.4, sections=8)
    body.limb("shirt", (0, hip - 0.04, 0), (0, 1.2 * tall, 0.6 * lean), 0.19, 0.17, 8, 0.7)
    body.limb("shirt", (0, 1.2 * tall, 0.6 * lean), (0, shoulder + 0.03, lean), 0.17, 0.24, 8, 0.6)
    head = (0, shoulder + 0.22, lean + 0.04)
    body.limb("skin", (0, shoulder, lean), head, 0.055)
    body.ball("skin", (0.1, 0.135, 0.115), head)
    if rng.random() < 0.45:  # a cap with a peak
        body.limb("hat", (0, head[1] + 0.04, head[2]), (0, head[1] + 0.15, head[2]), 0.12, 0.08)
        body.box("hat", (0.16, 0.025, 0.16), (0, head[1] + 0.06, head[2] + 0.17))
    else:
        body.ball("hair", (0.115, 0.12, 0.12), (0, head[1] + 0.06, head[2] - 0.03))
        if rng.random() < 0.5:
            body.ball("hair", (0.06, 0.15, 0.06), (0, head[1] - 0.05, head[2] - 0.14), 0)
    return body.done()


def winter(rng: np.random.Generator, coarse: bool) -> Prefab:
    """Wrapped up: quilted rings of a jacket or a cape to the knees, scarves and bobble hats."""
    body = Assembly(PERSON, coarse)
    tall, bulk = rng.uniform(0.88, 1.08), rng.uniform(0.9, 1.2)
    step, cape = rng.uniform(0.03, 0.24), rng.random() < 0.3
    hip, shoulder = 0.88 * tall, 1.4 * tall
    for side in (-1, 1):
        x, foot = side * 0.12, side * step
        body.limb("trousers", (x, hip, 0), (x, 0.36, foot), 0.12 * bulk, 0.085)
        body.limb("shoe", (x, 0.4, foot), (x, 0.04, foot), 0.1, 0.085)  # boots
        body.limb("shoe", (x, 0.06, foot - 0.06), (x, 0.06, foot + 0.2), 0.08, 0.06)
        if cape:
            continue
        elbow, pocket = (side * 0.37 * bulk, 1.12 * tall, -0.14), (side * 0.24, 0.96 * tall, 0.14)
        body.limb("shirt", (side * 0.25 * bulk, shoulder - 0.02, 0), elbow, 0.105, 0.095)
        body.limb("shirt", elbow, pocket, 0.095, 0.08)
    if cape:
        body.limb("shirt", (0, 0.5 * tall, 0), (0, shoulder + 0.06, 0), 0.42 * bulk, 0.14, 9, 0.8)
    else:
        low = 0.62 * tall if rng.random() < 0.4 else hip - 0.04
        rings = np.linspace(low, shoulder + 0.04, 5)
        for start, end in pairwise(rings):
            body.limb("shirt", (0, start, 0), (0, end, 0), 0.29 * bulk, 0.245 * bulk, 8, 0.75)
    body.limb("bag", (0, shoulder, 0), (0, shoulder + 0.13, 0.02), 0.15, 0.13, 8)  # a scarf
    head = shoulder + 0.24
    body.ball("skin", (0.1, 0.13, 0.115), (0, head, 0.03))
    body.limb("hat", (0, head + 0.02, 0.01), (0, head + 0.17, 0), 0.135, 0.09, 8)
    if rng.random() < 0.6:
        body.ball("hat", (0.065, 0.065, 0.065), (0, head + 0.21, 0), 0)
    if rng.random() < 0.3:
        body.ball("bag", (0.2, 0.3, 0.14), (0, shoulder - 0.22, -0.3 * bulk))
    return body.done()


PEOPLE = {
    "jointed": jointed,
    "walking": walking,
    "coated": coated,
    "umbrella": umbrella,
    "summer": summer,
    "winter": winter,
}
