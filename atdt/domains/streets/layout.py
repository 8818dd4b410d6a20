"""Where things stand in a street, before anything has a shape.

Street axes: `s` metres to the right of the street's middle, `l` metres along it. A street may bend:
its middle lies at x = bend/2 · z². Layouts use no shapes and no colours, so that each of these can
change alone.
"""

from dataclasses import dataclass, field

import numpy as np

from atdt.domains.streets.classes import IGNORE, ROAD, SIDEWALK

REACH_METRES = 130.0  # how far the street is furnished
KERB_METRES = 0.13


@dataclass(frozen=True)
class Item:
    """One object: what it is, where, and the numbers its maker needs.

    Attributes:
        kind: a key of `scene.MAKERS`.
        s, l: street axes, metres.
        yaw: radians; at 0 the object faces along the street, away from the camera.
        pick: in [0, 1), chooses among the variants of a kind.
        size: metres, whatever the kind's maker takes.
        base: metres above the road.
    """

    kind: str
    s: float
    l: float  # noqa: E741 - the street's own axis
    yaw: float = 0.0
    pick: float = 0.0
    size: tuple[float, ...] = ()
    base: float = 0.0


@dataclass(frozen=True)
class Strip:
    """A flat piece of ground between two lines; `along` strips follow the bend."""

    label: int
    surface: str
    s: tuple[float, float]
    l: tuple[float, float]  # noqa: E741
    top: float
    along: bool = True


@dataclass
class Layout:
    """A street: its ground, its items, and what the camera and the paint need to know of it.

    `lines` are painted between lanes, metres to both sides of the middle; None puts one where the
    road is wide.
    """

    road: float
    lane: float
    bend: float = 0.0
    crossing: tuple[float, float] | None = None
    lines: tuple[float, ...] | None = None
    strips: list[Strip] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def world(self, s: float, l: float) -> tuple[float, float, float]:  # noqa: E741
        """World x and z of a street position, and the street's heading there in radians."""
        ahead = max(l, 0.0)
        return s + 0.5 * self.bend * ahead * ahead, l, float(np.arctan(self.bend * ahead))

    def put(self, kind: str, s: float, l: float, **rest) -> None:  # noqa: E741
        """Add an item."""
        self.items.append(Item(kind, s, l, **rest))

    def in_crossing(self, start: float, end: float, margin: float = 0.0) -> bool:
        """Does [start, end] along the street touch the side street?"""
        if self.crossing is None:
            return False
        return end > self.crossing[0] - margin and start < self.crossing[1] + margin


def towards_street(s: float) -> float:
    """The yaw of something at `s` that faces the street's middle."""
    return -np.pi / 2 if s > 0 else np.pi / 2


def lay_ground(layout: Layout, walks: tuple[float, float], verge: str) -> None:
    """The road, two pavements of widths `walks` (left, right), and a verge behind them.

    `verge` is "grass" (no class of its own: ignored) or "paving" (counts as pavement).
    """
    half = layout.road / 2
    far = REACH_METRES + 120.0
    label = IGNORE if verge == "grass" else SIDEWALK
    layout.strips.append(Strip(ROAD, "road", (-half, half), (-15.0, far), 0.0))
    pieces = [(-15.0, far)]
    if layout.crossing is not None:
        start, end = layout.crossing
        layout.strips.append(Strip(ROAD, "road", (-160.0, 160.0), (start, end), -0.01, along=False))
        pieces = [(-15.0, start), (end, far)]
    for side, walk in zip((-1, 1), walks, strict=True):
        for piece in pieces:
            inner, edge = side * half, side * (half + walk)
            across = (min(inner, edge), max(inner, edge))
            layout.strips.append(Strip(SIDEWALK, "walk", across, piece, KERB_METRES))
            behind = (min(edge, side * 200.0), max(edge, side * 200.0))
            layout.strips.append(Strip(label, verge, behind, piece, KERB_METRES - 0.04))


def along_kerb(layout: Layout, rng: np.random.Generator, spacing: tuple[float, float],
               start: float = 4.0) -> np.ndarray:  # fmt: skip
    """Positions `l` at uneven spacing, outside the side street."""
    steps = rng.uniform(*spacing, size=int(REACH_METRES / spacing[0]) + 1)
    places = start + np.cumsum(steps) - rng.uniform(0.0, 1.0) * steps[0]
    places = places[(places < REACH_METRES) & (places > 3.0)]
    return np.array([place for place in places if not layout.in_crossing(place, place, 1.0)])


def populate(layout: Layout, rng: np.random.Generator, count: tuple[int, int],
             walks: tuple[float, float], on_road: float) -> None:  # fmt: skip
    """People on the pavements, mostly near, and with chance `on_road` some who cross."""
    half = layout.road / 2
    for _ in range(int(rng.integers(count[0], count[1] + 1))):
        side = 1 if rng.random() < 0.5 else -1
        walk = walks[0] if side < 0 else walks[1]
        away = 5.0 + 38.0 * rng.random() ** 1.7
        along = 0.0 if rng.random() < 0.5 else np.pi
        layout.put("person", side * (half + walk * rng.uniform(0.25, 0.9)), away,
                   yaw=along + rng.normal(0.0, 0.5), pick=rng.random(),
                   base=KERB_METRES)  # fmt: skip
    if rng.random() < on_road:
        away = rng.uniform(9.0, 28.0)
        for _ in range(int(rng.integers(1, 4))):
            side = 1 if rng.random() < 0.5 else -1
            layout.put("person", rng.uniform(-half, half) * 0.9, away + rng.uniform(-1.0, 1.0),
                       yaw=side * np.pi / 2 + rng.normal(0, 0.2), pick=rng.random())  # fmt: skip


def park(layout: Layout, rng: np.random.Generator, chance: float, gap: tuple[float, float]) -> None:
    """Cars along both kerbs; each bay is taken with the given chance."""
    for side in (-1, 1):
        place = 3.0 + rng.uniform(0.0, 6.0)
        while place < REACH_METRES * 0.7:
            free = layout.in_crossing(place - 3.0, place + 3.0, 3.0) or rng.random() > chance
            near = place < 7.0 and side > 0  # would fill the picture
            pick, nudge = rng.random(), rng.uniform(-0.15, 0.15)
            if not free and not near:
                yaw = (0.0 if side > 0 else np.pi) + rng.normal(0.0, 0.03)
                layout.put(
                    "car", side * (layout.road / 2 - 1.15) + nudge, place, yaw=yaw, pick=pick
                )
            place += 5.2 + rng.uniform(*gap)


def drive(layout: Layout, rng: np.random.Generator, lanes: list[float], share: float) -> None:
    """Moving cars in the lanes (their `s`; those right of the middle drive away from us)."""
    for lane in lanes:
        place = rng.uniform(12.0, 26.0)
        while place < REACH_METRES * 0.8:
            if rng.random() < share:
                yaw = (0.0 if lane > 0 else np.pi) + rng.normal(0.0, 0.02)
                layout.put("car", lane + rng.uniform(-0.2, 0.2), place, yaw=yaw, pick=rng.random())
            place += rng.uniform(9.0, 26.0)


def close_view(layout: Layout, rng: np.random.Generator, height: tuple[float, float]) -> None:
    """What stands across the end of the street, so that it does not run into bare sky."""
    far = REACH_METRES + rng.uniform(15.0, 60.0)
    if rng.random() < 0.55:
        for s in np.arange(-90.0, 91.0, 22.0):
            layout.put("house", s, far + rng.uniform(0, 8), yaw=np.pi / 2, pick=rng.random(),
                       size=(12.0, rng.uniform(*height) * 1.4, 20.0))  # fmt: skip
    else:
        for s in np.arange(-100.0, 101.0, 9.0):
            layout.put("tree", s, far + rng.uniform(-8.0, 8.0), pick=rng.random(),
                       size=(rng.uniform(1.2, 2.2),))  # fmt: skip
