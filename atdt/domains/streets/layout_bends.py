"""Bending streets, of the first held-out pair: a village lane, a boulevard with trees between."""

from dataclasses import dataclass

import numpy as np

from atdt.domains.streets.classes import SIDEWALK
from atdt.domains.streets.layout import (
    KERB_METRES,
    REACH_METRES,
    Layout,
    Strip,
    along_kerb,
    close_view,
    drive,
    lay_ground,
    park,
    populate,
    towards_street,
)

Span = tuple[float, float]


@dataclass(frozen=True)
class Bends:
    """Ranges of a kind of bending street; metres, and 1/metres for `bend`."""

    road: Span
    walk: Span
    bend: Span
    plot: Span
    height: Span
    turn: float
    verge: str
    middle: Span
    lamps: Span
    greens: Span
    signs: Span
    people: tuple[int, int]
    parked: float
    traffic: float


BENDS = {
    "village": Bends(
        road=(5.5, 7.5), walk=(1.6, 2.6), bend=(-0.004, 0.004), plot=(11.0, 19.0),
        height=(3.5, 7.0), turn=0.35, verge="grass", middle=(0.0, 0.0), lamps=(14.0, 26.0),
        greens=(7.0, 15.0), signs=(13.0, 30.0), people=(8, 14), parked=0.14, traffic=0.3,
    ),
    "boulevard": Bends(
        road=(17.0, 22.0), walk=(4.0, 6.0), bend=(-0.0025, 0.0025), plot=(16.0, 30.0),
        height=(10.0, 24.0), turn=0.08, verge="paving", middle=(2.0, 3.5), lamps=(18.0, 27.0),
        greens=(6.0, 12.0), signs=(11.0, 22.0), people=(16, 26), parked=0.45, traffic=0.5,
    ),
}  # fmt: skip


def bends(style: Bends, rng: np.random.Generator) -> Layout:
    """Draw a street of this style."""
    road = rng.uniform(*style.road)
    middle = rng.uniform(*style.middle)
    half_road = (road - middle) / 2
    lane = middle / 2 + (half_road - 2.2) * 0.5
    layout = Layout(road=road, lane=lane, bend=rng.uniform(*style.bend))
    walks = (rng.uniform(*style.walk), rng.uniform(*style.walk))
    lay_ground(layout, walks, style.verge)
    if middle:
        _planted_middle(layout, style, rng, middle)
    for side, walk in zip((-1, 1), walks, strict=True):
        _plots(layout, style, rng, side, road / 2 + walk)
        _furniture(layout, style, rng, side, walk)
    park(layout, rng, style.parked, (0.4, 4.0))
    drive(layout, rng, [lane, -lane], style.traffic)
    populate(layout, rng, style.people, walks, on_road=0.35)
    close_view(layout, rng, style.height)
    return layout


def _planted_middle(layout: Layout, style: Bends, rng: np.random.Generator, width: float) -> None:
    across = (-width / 2, width / 2)
    layout.strips.append(Strip(SIDEWALK, "walk", across, (6.0, REACH_METRES), KERB_METRES))
    for place in along_kerb(layout, rng, style.greens, start=10.0):
        if rng.random() < 0.7:
            layout.put("tree", 0.0, place, pick=rng.random(), yaw=rng.uniform(0, 6.2),
                       size=(rng.uniform(0.7, 1.0),), base=KERB_METRES)  # fmt: skip
        else:
            layout.put("hedge", 0.0, place, pick=rng.random(), base=KERB_METRES,
                       size=(rng.uniform(0.6, 1.0), 5.0))  # fmt: skip
    for place in along_kerb(layout, rng, (28.0, 40.0), start=12.0):
        layout.put("lamp", 0.0, place + 2.0, yaw=towards_street(-1), size=(8.0,), base=KERB_METRES)


def _plots(layout: Layout, style: Bends, rng: np.random.Generator, side: int, edge: float) -> None:
    """Houses that stand free and turned, with borders chosen for runs of several plots."""
    place = -10.0 - rng.uniform(0.0, 10.0)
    border, left_in_run = "none", 0
    while place < REACH_METRES:
        length = rng.uniform(*style.plot)
        middle = place + length / 2
        if left_in_run == 0:
            choices = ["none", "wall", "fence", "hedge", "court"]
            border = str(rng.choice(choices, p=[0.3, 0.2, 0.22, 0.12, 0.16]))
            left_in_run = int(rng.integers(1, 3))
        left_in_run -= 1
        deep, tall, turn = rng.uniform(8, 13), rng.uniform(*style.height), rng.normal() * style.turn
        back = rng.uniform(1.0, 3.0) if border == "none" else rng.uniform(4.0, 8.0)
        size = (deep, tall, length * rng.uniform(0.6, 0.85))
        if border != "court":
            layout.put("house", side * (edge + back + deep / 2), middle, yaw=turn * 0.3,
                       pick=rng.random(), size=size, base=KERB_METRES)  # fmt: skip
        else:
            for _ in range(3):
                layout.put("tree", side * (edge + rng.uniform(2.0, 9.0)),
                           middle + rng.uniform(-0.4, 0.4) * length, pick=rng.random(),
                           size=(rng.uniform(0.8, 1.3),))  # fmt: skip
        if border in ("wall", "fence", "hedge"):
            high = {"wall": (1.4, 2.6), "fence": (1.3, 2.1), "hedge": (0.8, 1.6)}[border]
            layout.put(border, side * (edge + 0.4), middle, pick=rng.random(), base=KERB_METRES,
                       size=(rng.uniform(*high), length - 0.2))  # fmt: skip
        place += length


def _furniture(layout: Layout, style: Bends, rng: np.random.Generator, side: int,
               walk: float) -> None:  # fmt: skip
    kerb = side * (layout.road / 2 + 0.45)
    inner = side * (layout.road / 2 + walk - 0.3)
    for place in along_kerb(layout, rng, style.lamps):
        kind = "lamp" if rng.random() < 0.65 else "mast"
        layout.put(kind, kerb, place, yaw=towards_street(side), size=(rng.uniform(4.5, 8.0),),
                   base=KERB_METRES)  # fmt: skip
    for place in along_kerb(layout, rng, style.greens):
        what, pick = rng.random(), rng.random()
        if what < 0.35:
            layout.put("tree", inner, place, pick=pick, size=(rng.uniform(0.6, 1.0),),
                       base=KERB_METRES)  # fmt: skip
        elif what < 0.6:
            layout.put("bush", inner, place, pick=pick, base=KERB_METRES)
        elif what < 0.75:
            layout.put("bollards", kerb, place, size=(rng.uniform(3.0, 9.0),), base=KERB_METRES)
    for place in along_kerb(layout, rng, style.signs):
        what = rng.random()
        kind = "board" if what < 0.25 else "traffic_light" if what < 0.45 else "sign"
        layout.put(kind, kerb + side * 0.15, place + 1.1, yaw=np.pi + rng.normal(0.0, 0.2),
                   pick=rng.random(), base=KERB_METRES)  # fmt: skip
