"""One frame of a domain: pictures and exact labels from (pair, domain, split, seed, index)."""

from dataclasses import dataclass

import numpy as np

from atdt.domains.streets.camera import draw_camera
from atdt.domains.streets.classes import SKY
from atdt.domains.streets.config import DOMAINS, PAIRS, SPLIT_SPAN, SPLITS, style_of
from atdt.domains.streets.layout import Layout
from atdt.domains.streets.layout_bends import BENDS, bends
from atdt.domains.streets.layout_rows import ROWS, rows
from atdt.domains.streets.layout_terraces import TERRACES, terraces
from atdt.domains.streets.layout_tramway import TRAMWAYS, tramway
from atdt.domains.streets.palette import paint
from atdt.domains.streets.scene import Scene
from atdt.domains.streets.shade import Shader
from atdt.domains.streets.weather import draw_weather, expose

# One stream of random numbers for each thing that is drawn, so that a knob moves nothing else.
_STREAMS = ("layout", "camera", "paint", "weather", "sensor", "sensor-right")

_LAYOUTS = ((ROWS, rows), (BENDS, bends), (TERRACES, terraces), (TRAMWAYS, tramway))


@dataclass(frozen=True)
class Frame:
    """A rendered frame.

    Attributes:
        image, right: (H, W, 3) uint8 RGB; `right` is None when it was not asked for.
        semantic: (H, W) uint8 ids of the shared classes, 255 ignored.
        depth: (H, W) float64 planar z in metres, 0 where there is none (sky).
        normals: (H, W, 3) float64 unit vectors in camera axes (x right, y down, z forward), which
            face the camera; 0 where there is none.
        camera: what the camera file says.
    """

    image: np.ndarray
    right: np.ndarray | None
    semantic: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    camera: dict


def render_frame(
    pair: str,
    domain: str,
    split: str,
    index: int,
    *,
    seed: int,
    size: tuple[int, int],
    knobs: tuple[str, ...],
    right: bool = True,
) -> Frame:
    """Render frame `index` of a split; the same arguments give the same arrays everywhere."""
    style = style_of(pair, domain, knobs)
    place = SPLITS.index(split) * SPLIT_SPAN + index
    key = [seed, list(PAIRS).index(pair), DOMAINS.index(domain), place]
    streams = {name: np.random.default_rng([*key, k]) for k, name in enumerate(_STREAMS)}
    layout = draw_layout(style.layout, streams["layout"])
    scene = Scene(layout, style.shapes)
    camera = draw_camera(style.camera, size, layout.lane, streams["camera"])
    weather = draw_weather(style.appearance, streams["weather"])
    shader = Shader(scene, paint(scene, style.appearance, streams["paint"]), weather)

    directions = camera.directions()
    hits = scene.trace(camera.position, directions)
    light = shader.light(camera.position, directions, hits).reshape(*size, 3)
    semantic = np.full(len(hits.part), SKY, dtype=np.uint8)
    semantic[hits.hit] = scene.labels[hits.part[hits.hit]]
    other = None
    if right:
        eye = camera.right_eye()
        seen = shader.light(eye.position, directions, scene.trace(eye.position, directions))
        other = expose(weather, seen.reshape(*size, 3), streams["sensor-right"])
    return Frame(
        image=expose(weather, light, streams["sensor"]),
        right=other,
        semantic=semantic.reshape(size),
        depth=hits.distance.reshape(size),
        normals=camera.to_camera(hits.normal).reshape(*size, 3),
        camera=camera.describe(),
    )


def draw_layout(name: str, rng: np.random.Generator) -> Layout:
    """A street of the named style."""
    for styles, draw in _LAYOUTS:
        if name in styles:
            return draw(styles[name], rng)
    raise KeyError(name)
