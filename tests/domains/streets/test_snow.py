"""Snow: where it lies, where it does not, and that more of it covers more."""

import numpy as np

from atdt.domains.streets.layout import Layout
from atdt.domains.streets.palette import SURFACES
from atdt.domains.streets.scene import Hits
from atdt.domains.streets.snow import snowed

POINTS = 4000


def covered(surface: str, cover: float, up: float = 1.0, s: tuple[float, float] = (-9, 9)) -> float:
    """Share of the points of a surface that turn white; `up` is how far its normal points up."""
    rng = np.random.default_rng(0)
    point = np.stack([rng.uniform(*s, POINTS), np.zeros(POINTS), rng.uniform(0, 80, POINTS)], 1)
    normal = np.tile([np.sqrt(1 - up * up), up, 0.0], (POINTS, 1))
    hits = Hits(np.zeros(POINTS, np.int32), point[:, 2], point, normal)
    albedo = np.full((POINTS, 3), 0.2)
    codes = np.full(POINTS, SURFACES.index(surface))
    made = snowed(cover, codes, albedo, hits, Layout(road=20.0, lane=2.0))
    assert ((made >= 0) & (made <= 1)).all()
    return float((made != albedo).all(axis=1).mean())


def test_more_snow_covers_more_and_lawns_more_than_roads() -> None:
    shares = [covered("paving", cover) for cover in (0.1, 0.4, 0.7)]
    assert shares == sorted(shares)
    assert shares[-1] - shares[0] > 0.3
    assert covered("grass", 0.5) > covered("paving", 0.5) > covered("road", 0.5)


def test_it_lies_only_on_what_faces_upwards_and_not_on_people() -> None:
    assert covered("wall", 0.9) > 0.5
    assert covered("wall", 0.9, up=0.0) == 0.0
    assert covered("wall", 0.9, up=-1.0) == 0.0
    assert covered("shirt", 0.9) == 0.0


def test_it_is_heaped_at_the_kerb_of_a_road() -> None:
    assert covered("road", 0.5, s=(9.4, 10.0)) > covered("road", 0.5, s=(-3, 3)) + 0.2
