"""Avenues with a tramway, cars parked at an angle and squares: domain B of the second held-out
pair."""

from dataclasses import dataclass

import numpy as np

from atdt.domains.streets.classes import ROAD, SIDEWALK
from atdt.domains.streets.layout import (
    KERB_METRES,
    REACH_METRES,
    Layout,
    Strip,
    along_kerb,
    close_view,
    drive,
    lay_ground,
    populate,
    towards_street,
)

Span = tuple[float, float]
TRACK_METRES = 1.55  # from the middle of the street to the middle of a track
ISLAND = (3.05, 4.5)  # from the middle to the sides of a tram stop's island
LANE_METRES = 3.1
PEOPLE_METRES = 55.0  # beyond, people are few pixels and many triangles
BAY_METRES = 3.3  # along the kerb, for a car that stands at an angle


@dataclass(frozen=True)
class Tramway:
    """Ranges of a kind of avenue; metres, 1/metres for `bend`; `lots` are chances of a house, a
    square, a hoarding with a building site, and a railing with a garden."""

    bays: Span
    walk: Span
    bend: Span
    lot: Span
    lots: tuple[float, float, float, float]
    height: Span
    lamps: Span
    signs: Span
    greens: Span
    stops: Span
    people: tuple[int, int]
    parked: float
    traffic: float
    trams: float
    crossing: float


TRAMWAYS = {
    "tramway": Tramway(
        bays=(4.1, 4.9), walk=(3.4, 5.4), bend=(-0.0016, 0.0016), lot=(14.0, 27.0),
        lots=(0.4, 0.2, 0.25, 0.15), height=(11.0, 26.0), lamps=(20.0, 31.0),
        signs=(10.0, 20.0), greens=(11.0, 25.0), stops=(34.0, 58.0), people=(13, 20),
        parked=0.55, traffic=0.42, trams=0.4, crossing=0.4,
    ),
}  # fmt: skip


def tramway(style: Tramway, rng: np.random.Generator) -> Layout:
    """Draw an avenue of this style."""
    bays = rng.uniform(*style.bays)
    inner = ISLAND[1] + LANE_METRES
    road = 2 * (inner + bays)
    lane = ISLAND[1] + LANE_METRES / 2
    layout = Layout(road=road, lane=lane, bend=rng.uniform(*style.bend),
                    lines=(ISLAND[0], inner))  # fmt: skip
    walks = (rng.uniform(*style.walk), rng.uniform(*style.walk))
    if rng.random() < style.crossing:
        start = rng.uniform(22.0, 70.0)
        layout.crossing = (start, start + rng.uniform(9.0, 14.0))
    lay_ground(layout, walks, "paving")
    _tracks(layout, style, rng)
    for side, walk in zip((-1, 1), walks, strict=True):
        _stops(layout, style, rng, side)
        _bays_and_build_outs(layout, style, rng, side, inner)
        _lots(layout, style, rng, side, road / 2 + walk)
        _furniture(layout, style, rng, side)
    drive(layout, rng, [lane, -lane], style.traffic)
    populate(layout, rng, style.people, walks, on_road=0.5)
    close_view(layout, rng, style.height)
    return layout


def _tracks(layout: Layout, style: Tramway, rng: np.random.Generator) -> None:
    """Two paved beds with rails, wires' masts between them, and trams on some."""
    along = (-15.0, REACH_METRES + 120.0)
    for side in (-1, 1):
        middle = side * TRACK_METRES
        bed = (middle - 1.3, middle + 1.3)
        layout.strips.append(Strip(ROAD, "track", bed, along, 0.003))
        for rail in (middle - 0.72, middle + 0.72):
            layout.strips.append(Strip(ROAD, "rail", (rail - 0.06, rail + 0.06), along, 0.006))
        if rng.random() < style.trams:
            layout.put("tram", middle, rng.uniform(26.0, 95.0), yaw=0.0 if side > 0 else np.pi,
                       size=(rng.uniform(15.0, 24.0),), pick=rng.random())  # fmt: skip
    for place in along_kerb(layout, rng, (26.0, 36.0), start=12.0):
        layout.put("catenary", 0.0, place, size=(rng.uniform(6.0, 7.0),))


def _stops(layout: Layout, style: Tramway, rng: np.random.Generator, side: int) -> None:
    """Islands beside the tracks, with a railing towards the lane, a sign and people."""
    inner, outer = (side * edge for edge in ISLAND)
    for place in along_kerb(layout, rng, style.stops, start=rng.uniform(0.0, 16.0)):
        length = rng.uniform(14.0, 24.0)
        if layout.in_crossing(place, place + length, 4.0):
            continue
        across = (min(inner, outer), max(inner, outer))
        layout.strips.append(Strip(SIDEWALK, "walk", across, (place, place + length), KERB_METRES))
        layout.put("fence", outer - side * 0.15, place + length / 2, pick=0.35 * rng.random(),
                   size=(rng.uniform(0.95, 1.15), length - 2.0), base=KERB_METRES)  # fmt: skip
        layout.put("sign", (inner + outer) / 2, place + 0.8, yaw=np.pi + rng.normal(0.0, 0.1),
                   pick=rng.random(), base=KERB_METRES)  # fmt: skip
        for _ in range(int(rng.integers(1, 4)) if place < PEOPLE_METRES else 0):
            layout.put("person", inner + side * rng.uniform(0.3, 0.9),
                       place + rng.uniform(0.1, 0.9) * length, yaw=rng.uniform(0, 6.2),
                       pick=rng.random(), base=KERB_METRES)  # fmt: skip


def _bays_and_build_outs(layout: Layout, style: Tramway, rng: np.random.Generator, side: int,
                         inner: float) -> None:  # fmt: skip
    """Cars nose to the kerb at an angle, in groups, with paved noses of the pavement between."""
    half, place = layout.road / 2, rng.uniform(0.0, 12.0)
    while place < REACH_METRES * 0.65:
        length = rng.uniform(4.5, 11.0)
        if not layout.in_crossing(place, place + length, 1.0):
            across = tuple(sorted((side * (inner + 0.35), side * half)))
            layout.strips.append(Strip(SIDEWALK, "walk", across, (place, place + length),
                                       KERB_METRES))  # fmt: skip
            _on_build_out(layout, rng, (side * (inner + 1.3), side * (half - 0.8)), place, length)
        place += length + 2.4
        lean = rng.uniform(0.7, 0.95)
        for _ in range(int(rng.integers(2, 7))):
            taken, pick, nudge = rng.random() < style.parked, rng.random(), rng.normal(0.0, 0.12)
            clear = layout.in_crossing(place - 3.0, place + 3.0, 2.0)
            if taken and not clear and not (side > 0 and place < 9.0):
                yaw = side * lean if side > 0 else np.pi + lean
                layout.put("car", side * (half - 2.5) + nudge, place, pick=pick,
                           yaw=yaw + rng.normal(0.0, 0.04))  # fmt: skip
            place += BAY_METRES
        place += 1.6


def _on_build_out(layout: Layout, rng: np.random.Generator, across: Span, start: float,
                  length: float) -> None:  # fmt: skip
    what, outer, middle = rng.random(), across[0], start + length / 2
    if what < 0.5 and start > 6.0:
        layout.put("tree", sum(across) / 2, middle, pick=rng.random(), yaw=rng.uniform(0, 6.2),
                   size=(rng.uniform(0.75, 1.05),), base=KERB_METRES)  # fmt: skip
    elif what < 0.62:
        layout.put("bollards", outer, middle, size=(length - 1.5,), base=KERB_METRES)
    elif what < 0.78:
        layout.put("wall", sum(across) / 2, middle, base=KERB_METRES,
                   size=(rng.uniform(0.7, 1.1), length - 1.5))  # fmt: skip
    elif what < 0.92:
        layout.put("hedge", sum(across) / 2, middle, pick=rng.random(), base=KERB_METRES,
                   size=(rng.uniform(0.8, 1.2), length - 1.5))  # fmt: skip
    if rng.random() < 0.5 and start < PEOPLE_METRES:
        layout.put("person", outer, start + rng.uniform(0.2, 0.8) * length, pick=rng.random(),
                   yaw=rng.uniform(0, 6.2), base=KERB_METRES)  # fmt: skip


def _lots(layout: Layout, style: Tramway, rng: np.random.Generator, side: int,
          edge: float) -> None:  # fmt: skip
    place = -12.0 - rng.uniform(0.0, style.lot[1])
    while place < REACH_METRES:
        length = rng.uniform(*style.lot)
        if layout.in_crossing(place, place + length, 0.5):
            room = layout.crossing[0] - 0.5 - place
            if room < 6.0:
                place = layout.crossing[1] + 0.5
                continue
            length = room
        kind = str(rng.choice(["house", "square", "hoarding", "railing"], p=style.lots))
        middle, tall, deep = place + length / 2, rng.uniform(*style.height), rng.uniform(10.0, 14.0)
        if kind == "house":
            size = (deep, tall, length * rng.uniform(0.93, 1.0))
            layout.put("house", side * (edge + deep / 2), middle, pick=rng.random(), size=size,
                       base=KERB_METRES)  # fmt: skip
        elif kind == "square":
            _square(layout, rng, side, edge, middle, length)
        else:
            low = (1.9, 2.9) if kind == "hoarding" else (1.5, 2.3)
            layout.put("wall" if kind == "hoarding" else "fence", side * (edge + 0.3), middle,
                       pick=rng.random(), size=(rng.uniform(*low), length),
                       base=KERB_METRES)  # fmt: skip
            for _ in range(0 if kind == "hoarding" else 3):
                layout.put("tree", side * (edge + rng.uniform(2.0, 8.0)),
                           middle + rng.uniform(-0.45, 0.45) * length, pick=rng.random(),
                           yaw=rng.uniform(0, 6.2), size=(rng.uniform(0.8, 1.2),))  # fmt: skip
        if kind != "house":  # what stands at the back of the lot
            layout.put("house", side * (edge + 20.0 + deep / 2), middle, pick=rng.random(),
                       size=(deep, tall, length), base=KERB_METRES - 0.04)  # fmt: skip
        place += length


def _square(layout: Layout, rng: np.random.Generator, side: int, edge: float, middle: float,
            length: float) -> None:  # fmt: skip
    """A paved square: low walls to sit on, a kiosk or two rows of trees, and people."""
    base = KERB_METRES - 0.04
    layout.put("wall", side * (edge + 1.5), middle, size=(rng.uniform(0.6, 1.0), 0.6 * length),
               base=base)  # fmt: skip
    if rng.random() < 0.4:
        layout.put("house", side * (edge + 6.0), middle, pick=0.5 + 0.25 * rng.random(),
                   size=(3.0, 2.8, 4.0), base=base)  # fmt: skip
    else:
        for row, share in ((4.5, -0.3), (4.5, 0.3), (10.0, 0.0)):
            layout.put(
                "tree",
                side * (edge + row),
                middle + share * length,
                pick=rng.random(),
                yaw=rng.uniform(0, 6.2),
                size=(rng.uniform(0.7, 1.0),),
                base=base,
            )
    for _ in range(int(rng.integers(1, 4)) if middle < PEOPLE_METRES else 0):
        layout.put("person", side * (edge + rng.uniform(0.5, 9.0)),
                   middle + rng.uniform(-0.4, 0.4) * length, yaw=rng.uniform(0, 6.2),
                   pick=rng.random(), base=base)  # fmt: skip


def _furniture(layout: Layout, style: Tramway, rng: np.random.Generator, side: int) -> None:
    kerb = side * (layout.road / 2 + 0.5)
    for place in along_kerb(layout, rng, style.lamps):
        layout.put("lamp", kerb, place, yaw=towards_street(side), size=(rng.uniform(6.0, 9.0),),
                   base=KERB_METRES)  # fmt: skip
    for place in along_kerb(layout, rng, style.signs):
        what = rng.random()
        kind = "board" if what < 0.3 else "traffic_light" if what < 0.5 else "sign"
        layout.put(kind, kerb + side * 0.1, place + 1.4, yaw=np.pi + rng.normal(0.0, 0.2),
                   pick=rng.random(), base=KERB_METRES)  # fmt: skip
    for place in along_kerb(layout, rng, style.greens, start=9.0):
        kind = "tree" if rng.random() < 0.7 else "bush"
        layout.put(kind, kerb + side * 0.6, place, pick=rng.random(), yaw=rng.uniform(0, 6.2),
                   size=(rng.uniform(0.8, 1.1),), base=KERB_METRES)  # fmt: skip
