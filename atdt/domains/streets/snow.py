"""Old snow: patches on what faces the sky, thick on lawns, thin where people walk and drive."""

import numpy as np

from atdt.domains.streets.layout import Layout
from atdt.domains.streets.palette import SURFACES
from atdt.domains.streets.scene import Hits
from atdt.domains.streets.textures import noise

WHITE = np.array([0.86, 0.89, 0.95])
# How much more of a surface is covered than of open ground; what is not named stays free.
_LIES_ON = {
    "road": -0.42, "track": -0.3, "walk": -0.22, "paving": -0.05, "grass": 0.35, "roof": 0.3,
    "leaves": -0.1, "needles": 0.1, "trunk": -0.1, "wall": 0.2, "fence": -0.1,
    "cargo": 0.0, "paint": -0.25, "mast": 0.0, "pole": -0.1,
}  # fmt: skip
_NEVER = -9.0
_MORE = np.array([_LIES_ON.get(surface, _NEVER) for surface in SURFACES])
_ROAD = SURFACES.index("road")
HEAP_METRES = 1.1  # from the kerb, where the plough has left it


def snowed(cover: float, codes: np.ndarray, albedo: np.ndarray, hits: Hits,
           layout: Layout) -> np.ndarray:  # fmt: skip
    """Albedo (N, 3) of N hits under snow that covers the share `cover` of open ground.

    `codes` (N,) are surfaces. Only what faces upwards is covered, and the road most at its kerbs.
    """
    x, _, z = hits.point.T
    amount = cover + _MORE[codes] + 0.5 * (hits.normal[:, 1] - 1.0)
    ahead = np.maximum(z, 0.0)
    aside = np.abs(x - 0.5 * layout.bend * ahead * ahead)
    heap = np.clip(1.0 - (layout.road / 2 - aside) / HEAP_METRES, 0.0, 1.0)
    amount = amount + np.where(codes == _ROAD, 0.75 * heap, 0.0)
    patch = 0.5 + 0.4 * noise(x, z, 5.0) + 0.25 * noise(z, x, 31.0)
    lies = (hits.normal[:, 1] > 0.25) & (patch < amount)
    old = 0.9 + 0.12 * noise(x, z, 19.0)
    return np.where(lies[:, None], np.clip(WHITE * old[:, None], 0.0, 1.0), albedo)
