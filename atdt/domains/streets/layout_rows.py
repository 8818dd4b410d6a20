"""Straight streets between two rows of lots: the suburb of domain A and the city of domain B."""

from dataclasses import dataclass

import numpy as np

from atdt.domains.streets.layout import (
    KERB_METRES,
    REACH_METRES,
    Layout,
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
class Rows:
    """Ranges of a kind of street, in metres; `lots` are chances of house, wall, fence, park."""

    road: Span
    walk: Span
    lot: Span
    lots: tuple[float, float, float, float]
    height: Span
    setback: Span
    verge: str
    lamps: Span
    trees: Span
    signs: Span
    people: tuple[int, int]
    parked: float
    bay_gap: Span
    traffic: float
    lanes: int
    crossing: float
    jaywalk: float


ROWS = {
    "suburb": Rows(
        road=(6.5, 8.5), walk=(2.0, 3.0), lot=(9.0, 15.0), lots=(0.44, 0.2, 0.24, 0.12),
        height=(3.2, 6.0), setback=(2.0, 6.0), verge="grass", lamps=(17.0, 24.0),
        trees=(13.0, 26.0), signs=(11.0, 24.0), people=(7, 12), parked=0.35, bay_gap=(0.5, 6.0),
        traffic=0.4, lanes=1, crossing=0.35, jaywalk=0.3,
    ),
    "city": Rows(
        road=(9.5, 13.5), walk=(3.2, 5.5), lot=(12.0, 22.0), lots=(0.35, 0.26, 0.29, 0.10),
        height=(9.0, 20.0), setback=(0.0, 0.8), verge="paving", lamps=(24.0, 36.0),
        trees=(9.0, 22.0), signs=(11.0, 21.0), people=(14, 24), parked=0.4, bay_gap=(0.3, 2.5),
        traffic=0.45, lanes=2, crossing=0.5, jaywalk=0.6,
    ),
}  # fmt: skip


def rows(style: Rows, rng: np.random.Generator) -> Layout:
    """Draw a street of this style."""
    road = rng.uniform(*style.road)
    lane_width = (road - 2.2) / (2 * style.lanes)
    layout = Layout(road=road, lane=lane_width * 0.55)
    walks = (rng.uniform(*style.walk), rng.uniform(*style.walk))
    if rng.random() < style.crossing:
        start = rng.uniform(14.0, 50.0)
        layout.crossing = (start, start + rng.uniform(0.9, 1.1) * road)
    lay_ground(layout, walks, style.verge)
    for side, walk in zip((-1, 1), walks, strict=True):
        _row_of_lots(layout, style, rng, side, road / 2 + walk)
        _kerb_line(layout, style, rng, side)
    _traffic_lights(layout, rng)
    park(layout, rng, style.parked, style.bay_gap)
    lanes = [lane_width * (k + 0.5) for k in range(style.lanes)]
    drive(layout, rng, lanes + [-lane for lane in lanes], style.traffic)
    populate(layout, rng, style.people, walks, on_road=style.jaywalk)
    close_view(layout, rng, style.height)
    return layout


def _row_of_lots(layout: Layout, style: Rows, rng: np.random.Generator, side: int,
                 edge: float) -> None:  # fmt: skip
    place = -14.0 - rng.uniform(0.0, style.lot[1])
    while place < REACH_METRES:
        length = rng.uniform(*style.lot)
        if layout.in_crossing(place, place + length, 0.5):
            room = layout.crossing[0] - 0.5 - place
            if room > 5.0:
                length = room
            else:
                place = layout.crossing[1] + 0.5
                continue
        kind = rng.choice(["house", "wall", "fence", "park"], p=style.lots)
        _lot(layout, style, rng, str(kind), side, edge, place + length / 2, length)
        place += length
    if layout.crossing is not None:  # the corners of the side street are built up as well
        for beyond in np.arange(edge + 25.0, 120.0, 24.0):
            size = (10.0, rng.uniform(*style.height), 22.0)
            layout.put("house", side * beyond, layout.crossing[1] + 8.0, yaw=np.pi / 2,
                       pick=rng.random(), size=size, base=KERB_METRES)  # fmt: skip


def _lot(layout: Layout, style: Rows, rng: np.random.Generator, kind: str, side: int, edge: float,
         middle: float, length: float) -> None:  # fmt: skip
    setback, deep = rng.uniform(*style.setback), rng.uniform(7.0, 11.0)
    tall = rng.uniform(*style.height)
    pick, front = rng.random(), rng.random()
    border = side * (edge + 0.3)
    if kind == "house":
        size = (deep, tall, length * rng.uniform(0.75, 0.98))
        layout.put("house", side * (edge + setback + deep / 2), middle, pick=pick, size=size,
                   base=KERB_METRES)  # fmt: skip
        if setback > 2.5 and front < 0.55:
            low = "fence" if front < 0.2 else "wall" if front < 0.3 else "hedge"
            layout.put(low, border, middle, pick=pick, size=(rng.uniform(0.8, 1.2), length - 0.6),
                       base=KERB_METRES)  # fmt: skip
        return
    if kind == "park":
        layout.put("hedge", border + side * 0.3, middle, size=(rng.uniform(0.7, 1.3), length * 0.9),
                   pick=pick, base=KERB_METRES)  # fmt: skip
    else:
        tall_border = rng.uniform(1.7, 2.8) if kind == "wall" else rng.uniform(1.4, 2.2)
        layout.put(kind, border, middle, pick=pick, size=(tall_border, length), base=KERB_METRES)
    for _ in range(int(rng.integers(1, 4))):
        layout.put("tree", side * (edge + rng.uniform(3.0, 8.0)),
                   middle + rng.uniform(-0.45, 0.45) * length, pick=rng.random(),
                   yaw=rng.uniform(0, 6.2), size=(rng.uniform(0.8, 1.2),))  # fmt: skip
    if kind != "park" or front < 0.5:
        size = (deep, tall, length * 0.9)
        layout.put("house", side * (edge + 12.0 + deep / 2 + setback), middle, pick=pick, size=size)


def _kerb_line(layout: Layout, style: Rows, rng: np.random.Generator, side: int) -> None:
    kerb = side * (layout.road / 2 + 0.5)
    for place in along_kerb(layout, rng, style.lamps):
        kind = "lamp" if rng.random() < 0.8 else "mast"
        layout.put(kind, kerb, place, yaw=towards_street(side), size=(rng.uniform(5.0, 7.5),),
                   base=KERB_METRES)  # fmt: skip
    for place in along_kerb(layout, rng, style.signs):
        kind = "board" if rng.random() < 0.3 else "sign"
        layout.put(kind, kerb + side * 0.2, place + 1.3, yaw=np.pi + rng.normal(0.0, 0.15),
                   pick=rng.random(), base=KERB_METRES)  # fmt: skip
    for place in along_kerb(layout, rng, style.trees):
        pick, yaw, size = rng.random(), rng.uniform(0, 6.2), (rng.uniform(0.7, 1.05),)
        layout.put("tree", kerb + side * 0.4, place + 2.6, pick=pick, yaw=yaw, size=size,
                   base=KERB_METRES)  # fmt: skip
    for place in along_kerb(layout, rng, (18.0, 50.0)):
        what = rng.random()
        if what < 0.4:
            layout.put("bush", kerb + side * 0.5, place, pick=rng.random(), base=KERB_METRES)
        elif what < 0.7:
            layout.put("bollards", kerb - side * 0.2, place, size=(rng.uniform(3.0, 8.0),),
                       base=KERB_METRES)  # fmt: skip


def _traffic_lights(layout: Layout, rng: np.random.Generator) -> None:
    if layout.crossing is None:
        return
    lit = float(rng.integers(0, 3))
    for side in (-1, 1):
        for place in (layout.crossing[0] - 0.8, layout.crossing[1] + 0.8):
            layout.put("traffic_light", side * (layout.road / 2 + 0.6), place,
                       yaw=np.pi, pick=lit / 3 + 0.1, base=KERB_METRES)  # fmt: skip
