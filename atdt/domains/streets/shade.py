"""From what rays met to the light that comes back along them."""

import numpy as np

from atdt.domains.streets.scene import Hits, Scene
from atdt.domains.streets.snow import snowed
from atdt.domains.streets.textures import surface_codes, texture
from atdt.domains.streets.vectors import dot
from atdt.domains.streets.weather import Weather, sky

LAMPS_NEAR = 10  # lamps farther down the street add nothing that is seen
_GLOW = {
    "lamp": (1.0, 0.85, 0.6), "headlight": (1.0, 0.97, 0.85), "taillight": (0.8, 0.1, 0.08),
    "light_red": (1.0, 0.25, 0.2), "light_amber": (1.0, 0.7, 0.2), "light_green": (0.3, 0.95, 0.5),
}  # fmt: skip
_MIRRORS = ("glass", "paint")


class Shader:
    """The look of one scene in one weather; both cameras of a stereo pair share it.

    Args:
        scene: the street.
        colours: (P, 3) albedo of its parts.
        weather: its light.
    """

    def __init__(self, scene: Scene, colours: np.ndarray, weather: Weather) -> None:
        self._scene = scene
        self._colours = colours
        self._weather = weather
        self._codes = surface_codes(scene.surfaces)
        self._mirror = np.array([surface in _MIRRORS for surface in scene.surfaces])
        self._wet = np.array([surface in ("road", "walk", "paving") for surface in scene.surfaces])
        lit = weather.lamps > 0
        dark = (0.0, 0.0, 0.0)
        self._glow = np.array([_GLOW.get(name, dark) if lit else dark for name in scene.surfaces])
        self._lamps = _lamp_heads(scene)

    def light(self, origin: np.ndarray, directions: np.ndarray, hits: Hits) -> np.ndarray:
        """Colours (N, 3) seen from `origin` (3,) along `directions` (N, 3)."""
        colour = np.empty((len(directions), 3))
        hit = hits.hit
        colour[~hit] = sky(self._weather, directions[~hit])
        seen = Hits(hits.part[hit], hits.distance[hit], hits.point[hit], hits.normal[hit])
        solid = self._solid(directions[hit], seen)
        if self._weather.wet:
            self._mirror_in_wet_ground(solid, directions[hit], seen)
        colour[hit] = self._through_air(solid, seen)
        return colour

    def _solid(self, directions: np.ndarray, hits: Hits) -> np.ndarray:
        weather, part = self._weather, hits.part
        albedo, glow = self._colours[part], self._glow[part]
        if weather.textured:
            albedo, windows = texture(
                self._codes[part], albedo, hits.point, hits.normal, self._scene.foot[part],
                self._scene.owner[part], hits.distance, self._scene.layout, weather.windows,
            )  # fmt: skip
            glow = glow + windows
        if weather.snow:
            albedo = snowed(weather.snow, self._codes[part], albedo, hits, self._scene.layout)
        up = 0.5 + 0.5 * hits.normal[:, 1:2]
        light = up * weather.sky_light + (1.0 - up) * weather.ground_light
        facing = dot(hits.normal, np.broadcast_to(weather.sun, hits.normal.shape))
        facing = np.maximum(facing, 0.0)
        if weather.shadows:
            lit = np.flatnonzero(facing > 0)
            start = hits.point[lit] + 0.01 * hits.normal[lit]
            facing[lit[self._scene.blocked(start, weather.sun)]] = 0.0
        light += facing[:, None] * weather.sun_light
        if weather.lamps:
            light += self._lamp_light(hits)
        colour = albedo * light + glow
        if weather.textured:
            self._reflect_sky(colour, directions, hits)
        return colour

    def _lamp_light(self, hits: Hits) -> np.ndarray:
        total = np.zeros(len(hits.part))
        for head in self._lamps:
            away = head - hits.point
            square = dot(away, away)
            facing = np.maximum(dot(away, hits.normal), 0.0) / np.sqrt(square)
            total += facing * 7.0 / (4.0 + square)
        return self._weather.lamps * total[:, None] * np.array([1.0, 0.82, 0.55])

    def _reflect_sky(self, colour: np.ndarray, directions: np.ndarray, hits: Hits) -> None:
        """Glass and car paint mirror the sky, or something as dark as a house below it."""
        at = np.flatnonzero(self._mirror[hits.part])
        if not len(at):
            return
        mirrored, facing = _mirrored(directions[at], hits.normal[at])
        share = (0.12 + 0.6 * (1.0 - facing) ** 3)[:, None]
        above = sky(self._weather, mirrored)
        seen = np.where(mirrored[:, 1:2] > 0.05, above, 0.35 * above)
        colour[at] = (1 - share) * colour[at] + share * seen

    def _mirror_in_wet_ground(self, colour: np.ndarray, directions: np.ndarray, hits: Hits) -> None:
        at = np.flatnonzero(self._wet[hits.part] & (hits.normal[:, 1] > 0.9))
        if not len(at):
            return
        mirrored, facing = _mirrored(directions[at], hits.normal[at])
        start = hits.point[at] + 0.01 * hits.normal[at]
        beyond = self._scene.trace(start, mirrored)
        seen = sky(self._weather, mirrored)
        met = beyond.hit
        inner = Hits(beyond.part[met], beyond.distance[met], beyond.point[met], beyond.normal[met])
        seen[met] = self._solid(mirrored[met], inner)
        share = self._weather.wet * (0.15 + 0.85 * (1.0 - facing) ** 2)[:, None]
        colour[at] = (1 - share) * colour[at] + share * seen

    def _through_air(self, colour: np.ndarray, hits: Hits) -> np.ndarray:
        if not self._weather.haze:
            return colour
        clear = np.exp(-self._weather.haze * hits.distance)[:, None]
        return clear * colour + (1 - clear) * self._weather.horizon


def _mirrored(directions: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mirrored directions (N, 3), unit, and the cosine of incidence (N,)."""
    unit = directions / np.sqrt(dot(directions, directions))[:, None]
    towards = dot(unit, normal)
    return unit - 2.0 * towards[:, None] * normal, np.clip(-towards, 0.0, 1.0)


def _lamp_heads(scene: Scene) -> list[np.ndarray]:
    heads = []
    for item in sorted(scene.layout.items, key=lambda item: item.l):
        if item.kind == "lamp":
            x, z, heading = scene.layout.world(item.s, item.l)
            turn = heading + item.yaw
            reach = np.array([1.6 * np.sin(turn), item.size[0] + 0.1, 1.6 * np.cos(turn)])
            heads.append(np.array([x, item.base, z]) + reach)
    return heads[:LAMPS_NEAR]
