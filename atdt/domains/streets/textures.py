"""Patterns on surfaces, as functions of where a ray hits: grain, bricks, windows, road markings.

All are plain arithmetic on a fixed noise tile, so that a point of the world looks the same from
both cameras of a stereo pair.
"""

from functools import cache

import numpy as np

from atdt.domains.streets.layout import Layout
from atdt.domains.streets.palette import SURFACES

TILE = 256
_CODE = {surface: code for code, surface in enumerate(SURFACES)}
_GRAIN = {
    "road": 0.28, "walk": 0.2, "paving": 0.22, "grass": 0.35, "facade": 0.16, "roof": 0.25,
    "wall": 0.25, "fence": 0.25, "leaves": 0.55, "trunk": 0.3, "shirt": 0.15, "trousers": 0.15,
    "mast": 0.25, "pole": 0.12, "cargo": 0.1, "track": 0.3, "needles": 0.5,
}  # fmt: skip
_GRAIN_OF_CODE = np.array([_GRAIN.get(surface, 0.05) for surface in SURFACES])


@cache
def noise_tile() -> np.ndarray:
    """(TILE, TILE) float64 smooth periodic noise of several octaves, about in [-1, 1]."""
    rng = np.random.default_rng(20_240_229)
    total = np.zeros((TILE, TILE))
    for octave in range(2, 8):
        cells = 2**octave
        grid = rng.uniform(-1.0, 1.0, (cells, cells))
        at = np.arange(TILE) * cells / TILE
        low = at.astype(int)
        share = at - low
        share = share * share * (3.0 - 2.0 * share)
        high = (low + 1) % cells
        rows = grid[low] * (1 - share)[:, None] + grid[high] * share[:, None]
        total += (rows[:, low] * (1 - share) + rows[:, high] * share) * 0.62 ** (octave - 2)
    return total / np.abs(total).max() * 1.4


def noise(u: np.ndarray, v: np.ndarray, cells_per_unit: float) -> np.ndarray:
    """The tile at (u, v), nearest, with `cells_per_unit` texels for each unit."""
    tile = noise_tile()
    rows = np.floor(u * cells_per_unit).astype(np.int64) % TILE
    columns = np.floor(v * cells_per_unit).astype(np.int64) % TILE
    return tile[rows, columns]


def scatter(*keys: np.ndarray) -> np.ndarray:
    """A repeatable number in [0, 1) for each tuple of integers."""
    mixed = np.zeros(np.shape(keys[0]), dtype=np.uint32)
    for key in keys:
        mixed = (mixed ^ np.asarray(key).astype(np.int64).astype(np.uint32)) * np.uint32(2654435761)
        mixed ^= mixed >> np.uint32(15)
    return mixed.astype(np.float64) / 4294967296.0


def surface_codes(surfaces: tuple[str, ...]) -> np.ndarray:
    """(P,) int: the place of each part's surface in `palette.SURFACES`."""
    return np.array([_CODE[surface] for surface in surfaces])


def texture(codes: np.ndarray, albedo: np.ndarray, point: np.ndarray, normal: np.ndarray,
            foot: np.ndarray, owner: np.ndarray, distance: np.ndarray, layout: Layout,
            lit_windows: float) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Patterned albedo (N, 3) and glow (N, 3) of N hits.

    `codes` (N,) are surfaces, `foot` (N, 3) the position and `owner` (N,) the number of the
    object hit, `distance` (N,) metres; `lit_windows` is the share of windows with light inside.
    """
    flat = np.abs(normal[:, 1]) > 0.7
    run = np.sqrt(normal[:, 0] ** 2 + normal[:, 2] ** 2) + 1e-9
    offset = point - foot
    along = (offset[:, 2] * normal[:, 0] - offset[:, 0] * normal[:, 2]) / run
    u = np.where(flat, point[:, 0], along + 7.3 * (owner % 97))
    v = np.where(flat, point[:, 2], point[:, 1])
    fine = np.clip(1.5 - distance / 25.0, 0.0, 1.0)  # below a pixel, patterns are only flicker
    grain = _GRAIN_OF_CODE[codes]
    patch = noise(u, v, 9.0) * 0.6 + noise(v, u, 47.0) * (0.4 + 0.3 * fine)
    albedo = albedo * (1.0 + grain * patch)[:, None]
    glow = np.zeros_like(albedo)
    _facades(codes == _CODE["facade"], albedo, glow, along, point[:, 1], owner, flat, lit_windows)
    _bricks(codes == _CODE["wall"], albedo, u, v, fine)
    _slabs((codes == _CODE["walk"]) | (codes == _CODE["paving"]), albedo, point, fine)
    _setts(codes == _CODE["track"], albedo, point, fine)
    _boards(codes == _CODE["fence"], albedo, u, fine)
    _tiles(codes == _CODE["roof"], albedo, v, fine)
    _stripes(codes == _CODE["shirt"], albedo, point[:, 1], owner)
    _markings(codes == _CODE["road"], albedo, point, layout)
    return np.clip(albedo, 0.0, 1.0), glow


def _facades(
    mask: np.ndarray,
    albedo: np.ndarray,
    glow: np.ndarray,
    along: np.ndarray,
    height: np.ndarray,
    owner: np.ndarray,
    flat: np.ndarray,
    lit: float,
) -> None:
    at = np.flatnonzero(mask & ~flat)
    house = owner[at]
    style = scatter(house, house * 0 + 11)
    bay = 1.7 + 1.6 * scatter(house, house * 0 + 23)
    storey = 2.7 + 0.7 * scatter(house, house * 0 + 37)
    column, floor = np.floor(along[at] / bay), np.floor(height[at] / storey)
    x, y = along[at] / bay - column, height[at] / storey - floor
    wide, low = 0.18 + 0.14 * style, 0.25 + 0.1 * style
    shop = (floor == 0) & (style > 0.55)
    wide, low = np.where(shop, 0.06, wide), np.where(shop, 0.08, low)
    frame = (x > wide) & (x < 1 - wide) & (y > low) & (y < 0.88)
    pane = (x > wide + 0.05) & (x < 0.95 - wide) & (y > low + 0.04) & (y < 0.84)
    chance = scatter(house, column, floor)
    door = (floor == 0) & ~shop & (scatter(house, column, floor * 0 + 5) < 0.2)
    opening = door & (x > 0.25) & (x < 0.75) & (y < 0.78)
    trim = 0.55 + 0.4 * scatter(house, house * 0 + 51)
    albedo[at[frame]] = trim[frame, None]
    dark = np.array([0.1, 0.12, 0.15])
    curtain = np.array([0.55, 0.52, 0.46])
    shade = np.where((chance > 0.75)[:, None], curtain, dark) * (0.6 + 0.8 * chance)[:, None]
    albedo[at[pane]] = shade[pane]
    glowing = pane & (scatter(house, column, floor * 0 + floor + 77) < lit)
    warm = np.array([0.95, 0.74, 0.42])
    glow[at[glowing]] = warm * (0.45 + 0.5 * chance[glowing])[:, None]
    albedo[at[opening]] = (np.array([0.3, 0.18, 0.12]) * (0.5 + chance)[:, None])[opening]


def _bricks(mask: np.ndarray, albedo: np.ndarray, u: np.ndarray, v: np.ndarray,
            fine: np.ndarray) -> None:  # fmt: skip
    at = np.flatnonzero(mask)
    row = np.floor(v[at] / 0.24)
    side = u[at] / 0.55 + 0.5 * (row % 2)
    joint = (np.abs(side - np.round(side)) < 0.06) | (v[at] / 0.24 - row < 0.16)
    tone = 1.0 + 0.25 * (scatter(row, np.floor(side)) - 0.5)
    albedo[at] *= (tone - 0.3 * joint * fine[at])[:, None]


def _slabs(mask: np.ndarray, albedo: np.ndarray, point: np.ndarray, fine: np.ndarray) -> None:
    at = np.flatnonzero(mask)
    x, z = point[at, 0] / 0.7, point[at, 2] / 0.7
    joint = (x - np.floor(x) < 0.08) | (z - np.floor(z) < 0.08)
    tone = 1.0 + 0.18 * (scatter(np.floor(x), np.floor(z)) - 0.5)
    albedo[at] *= (tone - 0.25 * joint * fine[at])[:, None]


def _setts(mask: np.ndarray, albedo: np.ndarray, point: np.ndarray, fine: np.ndarray) -> None:
    at = np.flatnonzero(mask)
    x, z = np.floor(point[at, 0] / 0.3), np.floor(point[at, 2] / 0.45)
    albedo[at] *= (1.0 + 0.5 * fine[at] * (scatter(x, z) - 0.5))[:, None]


def _boards(mask: np.ndarray, albedo: np.ndarray, u: np.ndarray, fine: np.ndarray) -> None:
    at = np.flatnonzero(mask)
    albedo[at] *= (1.0 + 0.4 * fine[at] * (scatter(np.floor(u[at] / 0.12)) - 0.5))[:, None]


def _tiles(mask: np.ndarray, albedo: np.ndarray, v: np.ndarray, fine: np.ndarray) -> None:
    at = np.flatnonzero(mask)
    row = v[at] / 0.35
    albedo[at] *= (1.0 - 0.3 * fine[at] * (row - np.floor(row) < 0.3))[:, None]


def _stripes(mask: np.ndarray, albedo: np.ndarray, height: np.ndarray, owner: np.ndarray) -> None:
    at = np.flatnonzero(mask)
    striped = scatter(owner[at], owner[at] * 0 + 3) < 0.25
    band = np.floor(height[at] / 0.09) % 2 == 0
    albedo[at] *= np.where(striped & band, 0.55, 1.0)[:, None]


def _markings(mask: np.ndarray, albedo: np.ndarray, point: np.ndarray, layout: Layout) -> None:
    """A dashed middle, lane and edge lines, a zebra at the side street; all of them road."""
    at = np.flatnonzero(mask)
    l, ahead = point[at, 2], np.maximum(point[at, 2], 0.0)  # noqa: E741
    s = point[at, 0] - 0.5 * layout.bend * ahead * ahead
    dash = l / 6.0 - np.floor(l / 6.0) < 0.5
    line = (np.abs(s) < 0.09) & dash
    line |= np.abs(np.abs(s) - layout.road / 2 + 0.25) < 0.06
    between = (layout.road * 0.23,) if layout.road > 10.0 else ()
    for offset in between if layout.lines is None else layout.lines:
        line |= (np.abs(np.abs(s) - offset) < 0.08) & dash
    if layout.crossing is not None:
        start, end = layout.crossing
        line &= (l < start - 0.5) | (l > end + 0.5)
        zebra = (l > start - 4.0) & (l < start - 1.2) & (s - np.floor(s) < 0.5)
        line |= zebra & (np.abs(s) < layout.road / 2 - 0.4)
    worn = noise(s, l, 23.0) < 0.55
    albedo[at[line & worn]] = 0.72
