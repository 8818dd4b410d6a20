"""Terraced streets that end at a T-junction: domain A of the second held-out pair."""

from dataclasses import dataclass

import numpy as np

from atdt.domains.streets.classes import IGNORE, ROAD, SIDEWALK
from atdt.domains.streets.layout import (
    KERB_METRES,
    Layout,
    Strip,
    along_kerb,
    close_view,
    populate,
    towards_street,
)

Span = tuple[float, float]


@dataclass(frozen=True)
class Terraces:
    """Ranges of a kind of terraced street; metres, `drives` and `traffic` are chances."""

    road: Span
    walk: Span
    end: Span
    block: tuple[int, int]
    house: Span
    alley: Span
    height: Span
    yard: Span
    lamps: Span
    greens: Span
    signs: Span
    people: tuple[int, int]
    drives: float
    traffic: float


TERRACES = {
    "terraces": Terraces(
        road=(7.4, 9.2), walk=(1.7, 2.5), end=(46.0, 105.0), block=(3, 7), house=(5.0, 6.8),
        alley=(2.0, 9.0), height=(5.2, 7.8), yard=(3.6, 6.0), lamps=(15.0, 25.0),
        greens=(6.0, 14.0), signs=(10.0, 23.0), people=(9, 15), drives=0.36, traffic=0.5,
    ),
}  # fmt: skip
BORDERS = {"wall": (0.9, 1.6), "fence": (0.9, 1.5), "hedge": (0.7, 1.3)}


def terraces(style: Terraces, rng: np.random.Generator) -> Layout:
    """Draw a street of this style."""
    road = rng.uniform(*style.road)
    end = rng.uniform(*style.end)
    layout = Layout(road=road, lane=0.25 * road, crossing=(end, end + rng.uniform(6.5, 8.5)))
    walks = (rng.uniform(*style.walk), rng.uniform(*style.walk))
    _ground(layout, walks)
    for side, walk in zip((-1, 1), walks, strict=True):
        _blocks(layout, style, rng, side, road / 2 + walk)
        _kerb_line(layout, style, rng, side)
    _junction(layout, style, rng)
    _traffic(layout, style, rng)
    populate(layout, rng, style.people, walks, on_road=0.4)
    close_view(layout, rng, style.height)
    return layout


def _ground(layout: Layout, walks: tuple[float, float]) -> None:
    """A road up to the one that it meets, pavements along both, and grass behind them."""
    half, (start, end) = layout.road / 2, layout.crossing
    lawn = KERB_METRES - 0.04
    layout.strips.append(Strip(ROAD, "road", (-half, half), (-15.0, start), 0.0))
    layout.strips.append(Strip(ROAD, "road", (-160.0, 160.0), (start, end), -0.01, along=False))
    for side, walk in zip((-1, 1), walks, strict=True):
        edge = half + walk
        walkway, behind = (sorted((side * near, side * far)) for near, far in
                           ((half, edge), (edge, 200.0)))  # fmt: skip
        layout.strips.append(Strip(SIDEWALK, "walk", tuple(walkway), (-15.0, start), KERB_METRES))
        layout.strips.append(Strip(IGNORE, "grass", tuple(behind), (-15.0, start), lawn))
    across = (-160.0, 160.0)
    layout.strips.append(Strip(SIDEWALK, "walk", across, (end, end + 2.2), KERB_METRES, False))
    layout.strips.append(Strip(IGNORE, "grass", across, (end + 2.2, 250.0), lawn, False))


def _blocks(layout: Layout, style: Terraces, rng: np.random.Generator, side: int,
            edge: float) -> None:  # fmt: skip
    """Blocks of houses wall to wall, alike in height and roof, with alleys between them."""
    place = -12.0 - rng.uniform(0.0, 12.0)
    stop = layout.crossing[0] - 3.0
    while place < stop - 8.0:
        wide, tall, yard = (rng.uniform(*span) for span in (style.house, style.height, style.yard))
        roof, border = 0.5 * rng.random(), str(rng.choice(list(BORDERS), p=[0.4, 0.34, 0.26]))
        for _ in range(int(rng.integers(style.block[0], style.block[1] + 1))):
            if place + wide > stop:
                break
            _house(layout, style, rng, (side, edge, place + wide / 2), (wide, tall, yard),
                   roof, border)  # fmt: skip
            place += wide
        alley = rng.uniform(*style.alley)
        _alley(layout, rng, side, edge, place + alley / 2, alley)
        place += alley


def _house(layout: Layout, style: Terraces, rng: np.random.Generator,
           at: tuple[int, float, float], size: Span, roof: float, border: str) -> None:  # fmt: skip
    """One house of a block behind its front yard: a drive with a car, or a border and plants."""
    (side, edge, middle), (wide, tall, yard) = at, size
    deep = rng.uniform(8.0, 10.0)
    layout.put("house", side * (edge + yard + deep / 2), middle, pick=roof, base=KERB_METRES,
               size=(deep, tall + rng.uniform(-0.1, 0.1), wide))  # fmt: skip
    if rng.random() < 0.35:  # a porch
        layout.put(
            "house",
            side * (edge + yard - 0.6),
            middle + rng.uniform(-0.25, 0.25) * wide,
            pick=0.5 + 0.2 * rng.random(),
            base=KERB_METRES,
            size=(1.2, 2.5, 1.8),
        )
    if rng.random() < 0.5:  # yards are kept apart
        apart = "fence" if rng.random() < 0.6 else "hedge"
        layout.put(apart, side * (edge + yard / 2 + 0.2), middle - wide / 2, yaw=np.pi / 2,
                   pick=rng.random(), base=KERB_METRES - 0.04,
                   size=(rng.uniform(0.8, 1.3), yard - 0.9))  # fmt: skip
    if rng.random() < style.drives:
        across = tuple(sorted((side * edge, side * (edge + yard))))
        drive = (middle - 1.5, middle + 1.5)
        layout.strips.append(Strip(SIDEWALK, "paving", across, drive, KERB_METRES - 0.02))
        if rng.random() < 0.7:
            nose = towards_street(side) + (np.pi if rng.random() < 0.6 else 0.0)
            layout.put("car", side * (edge + max(yard / 2, 2.7) - 0.4), middle,
                       yaw=nose + rng.normal(0.0, 0.04), pick=rng.random(),
                       base=KERB_METRES - 0.02)  # fmt: skip
        return
    layout.put(border, side * (edge + 0.3), middle, pick=rng.random(), base=KERB_METRES,
               size=(rng.uniform(*BORDERS[border]), wide - 0.3))  # fmt: skip
    if rng.random() < 0.45:
        kind = "bush" if rng.random() < 0.6 else "tree"
        layout.put(
            kind,
            side * (edge + yard * 0.55),
            middle + rng.uniform(-0.3, 0.3) * wide,
            pick=rng.random(),
            yaw=rng.uniform(0, 6.2),
            size=(rng.uniform(0.6, 0.8),),
        )


def _alley(layout: Layout, rng: np.random.Generator, side: int, edge: float, middle: float,
           length: float) -> None:  # fmt: skip
    """What closes the gap between two blocks: a high wall or fence, and trees behind it."""
    kind = "wall" if rng.random() < 0.55 else "fence"
    layout.put(kind, side * (edge + 0.4), middle, pick=rng.random(), base=KERB_METRES,
               size=(rng.uniform(1.6, 2.3), length))  # fmt: skip
    for _ in range(int(rng.integers(1, 3))):
        layout.put("tree", side * (edge + rng.uniform(3.0, 12.0)), middle, pick=rng.random(),
                   yaw=rng.uniform(0, 6.2), size=(rng.uniform(0.8, 1.15),))  # fmt: skip


def _before_the_end(layout: Layout, places: np.ndarray) -> np.ndarray:
    return places[places < layout.crossing[0] - 2.0]


def _kerb_line(layout: Layout, style: Terraces, rng: np.random.Generator, side: int) -> None:
    kerb = side * (layout.road / 2 + 0.4)
    for place in _before_the_end(layout, along_kerb(layout, rng, style.lamps)):
        kind = "lamp" if rng.random() < 0.6 else "mast"
        layout.put(kind, kerb, place, yaw=towards_street(side), size=(rng.uniform(4.2, 6.5),),
                   base=KERB_METRES)  # fmt: skip
    for place in _before_the_end(layout, along_kerb(layout, rng, style.signs)):
        what = rng.random()
        kind = "board" if what < 0.22 else "traffic_light" if what < 0.34 else "sign"
        layout.put(kind, kerb + side * 0.1, place + 1.2, yaw=np.pi + rng.normal(0.0, 0.18),
                   pick=rng.random(), base=KERB_METRES)  # fmt: skip
    for place in _before_the_end(layout, along_kerb(layout, rng, style.greens)):
        what, pick = rng.random(), rng.random()
        if what < 0.5:
            layout.put("tree", kerb + side * 0.2, place, pick=pick, base=KERB_METRES,
                       yaw=rng.uniform(0, 6.2), size=(rng.uniform(0.6, 0.9),))  # fmt: skip
        elif what < 0.7:
            layout.put("bollards", kerb, place, size=(rng.uniform(2.0, 6.0),), base=KERB_METRES)


def _junction(layout: Layout, style: Terraces, rng: np.random.Generator) -> None:
    """The row of houses that the street runs against, signs before it, and crossing cars."""
    end = layout.crossing[1]
    wide, tall, roof = rng.uniform(*style.house), rng.uniform(*style.height), 0.5 * rng.random()
    for s in np.arange(-58.0, 58.0, wide):
        if rng.random() < 0.85:
            layout.put("house", s, end + 11.5, yaw=np.pi / 2, pick=roof, base=KERB_METRES,
                       size=(9.0, tall, wide))  # fmt: skip
        border = str(rng.choice(list(BORDERS)))
        layout.put(border, s, end + 2.7, yaw=np.pi / 2, pick=rng.random(), base=KERB_METRES,
                   size=(rng.uniform(*BORDERS[border]), wide - 0.4))  # fmt: skip
    layout.put("board", rng.uniform(-2.0, 2.0), end + 1.0, yaw=np.pi, pick=rng.random(),
               base=KERB_METRES)  # fmt: skip
    for _ in range(int(rng.integers(0, 4))):
        right = rng.random() < 0.5
        layout.put("car", rng.uniform(-30.0, 30.0), end - (5.0 if right else 1.8),
                   yaw=np.pi / 2 if right else -np.pi / 2, pick=rng.random())  # fmt: skip


def _traffic(layout: Layout, style: Terraces, rng: np.random.Generator) -> None:
    """Cars in both lanes, a few at the left kerb, with two wheels on it, and none at the right."""
    stop = layout.crossing[0] - 6.0
    for lane in (layout.lane, -layout.lane):
        place = rng.uniform(10.0, 24.0)
        while place < stop:
            if rng.random() < style.traffic:
                layout.put("car", lane + rng.uniform(-0.2, 0.2), place, pick=rng.random(),
                           yaw=(0.0 if lane > 0 else np.pi) + rng.normal(0.0, 0.02))  # fmt: skip
            place += rng.uniform(9.0, 24.0)
