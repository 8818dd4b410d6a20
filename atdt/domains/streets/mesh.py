"""Small meshes put together from primitives, and many of them merged into one scene.

World axes: x to the right, y up, z along the street; metres.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import trimesh

Point = Sequence[float]


@cache
def unit_box() -> tuple[np.ndarray, np.ndarray]:
    """A cube of side 1 around the origin: vertices (8, 3), faces (12, 3)."""
    return _arrays(trimesh.creation.box(extents=(1.0, 1.0, 1.0)))


@cache
def unit_tube(sections: int) -> tuple[np.ndarray, np.ndarray]:
    """A closed cylinder of radius 1 around the y axis, from y = 0 to y = 1."""
    vertices, faces = _arrays(trimesh.creation.cylinder(radius=1.0, height=1.0, sections=sections))
    return np.stack([vertices[:, 0], vertices[:, 2] + 0.5, vertices[:, 1]], axis=1), faces


@cache
def unit_ball(subdivisions: int) -> tuple[np.ndarray, np.ndarray]:
    """An icosphere of radius 1: 20·4^subdivisions triangles."""
    return _arrays(trimesh.creation.icosphere(subdivisions=subdivisions, radius=1.0))


def _arrays(mesh: trimesh.Trimesh) -> tuple[np.ndarray, np.ndarray]:
    return np.array(mesh.vertices, dtype=np.float64), np.array(mesh.faces, dtype=np.int32)


@dataclass(frozen=True)
class Prefab:
    """An object around the origin, standing on y = 0 and facing +z, as labelled parts.

    Attributes:
        vertices: (V, 3) float64 metres.
        faces: (F, 3) int32.
        face_part: (F,) int32, the part of each face.
        labels: a semantic id for each part.
        surfaces: what each part is made of (a key of `palette.SURFACES`).
    """

    vertices: np.ndarray
    faces: np.ndarray
    face_part: np.ndarray
    labels: tuple[int, ...]
    surfaces: tuple[str, ...]


class Assembly:
    """Collects primitives into a `Prefab`; parts have `label`, which may change in between.

    A `coarse` one takes fewer triangles for what is round, for objects that are far away.
    """

    def __init__(self, label: int, coarse: bool = False) -> None:
        self.label = label
        self._coarse = coarse
        self._pieces: list[tuple[np.ndarray, np.ndarray]] = []
        self._labels: list[int] = []
        self._surfaces: list[str] = []

    def add(self, vertices: np.ndarray, faces: np.ndarray, surface: str) -> None:
        """Add one part: vertices (V, 3), faces (F, 3)."""
        self._pieces.append((vertices, faces))
        self._labels.append(self.label)
        self._surfaces.append(surface)

    def box(self, surface: str, size: Point, at: Point, tilt: float = 0.0) -> None:
        """A box of `size` around `at`, turned by `tilt` radians about the x axis."""
        vertices, faces = unit_box()
        vertices = vertices * np.asarray(size, dtype=np.float64)
        if tilt:
            cos, sin = np.cos(tilt), np.sin(tilt)
            x, y, z = vertices.T
            vertices = np.stack([x, cos * y - sin * z, sin * y + cos * z], axis=1)
        self.add(vertices + np.asarray(at, dtype=np.float64), faces, surface)

    def frustum(self, surface: str, bottom: Point, top: Point, low: float, high: float,
                shift: float = 0.0) -> None:  # fmt: skip
        """A box whose (x, z) sides go from `bottom` to `top`; the top moves by `shift` along z."""
        vertices, faces = unit_box()
        up = vertices[:, 1] > 0
        sides = np.where(up[:, None], np.asarray(top), np.asarray(bottom))
        z = vertices[:, 2] * sides[:, 1] + np.where(up, shift, 0.0)
        y = np.where(up, high, low)
        self.add(np.stack([vertices[:, 0] * sides[:, 0], y, z], axis=1), faces, surface)

    def limb(
        self,
        surface: str,
        start: Point,
        end: Point,
        radius: float,
        radius_end: float | None = None,
        sections: int = 6,
        flat: float = 1.0,
    ) -> None:
        """A tapered tube from `start` to `end`; `flat` scales its second cross axis."""
        vertices, faces = unit_tube(min(sections, 4) if self._coarse else sections)
        start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
        axis = end - start
        length = float(np.sqrt((axis * axis).sum()))
        axis = axis / length
        # y, so that a flat plate has a corner at its top; x where the tube itself is upright
        helper = np.array([0.0, 1.0, 0.0] if abs(axis[1]) < 0.9 else [1.0, 0.0, 0.0])
        second = _cross(helper, axis)
        second = second / np.sqrt((second * second).sum())
        first = _cross(axis, second)
        width = radius + ((radius if radius_end is None else radius_end) - radius) * vertices[:, 1]
        self.add(
            start
            + axis * (vertices[:, 1:2] * length)
            + first * (vertices[:, 0] * width)[:, None]
            + second * (vertices[:, 2] * width * flat)[:, None],
            faces,
            surface,
        )

    def ball(self, surface: str, radii: Point, at: Point, subdivisions: int = 1,
             lumps: np.random.Generator | None = None, depth: float = 0.0) -> None:  # fmt: skip
        """An ellipsoid; with `lumps`, each vertex moves in or out by up to the share `depth`."""
        vertices, faces = unit_ball(max(subdivisions - 1, 0) if self._coarse else subdivisions)
        if lumps is not None:
            vertices = vertices * lumps.uniform(1.0 - depth, 1.0 + depth, (len(vertices), 1))
        vertices = vertices * np.asarray(radii, np.float64) + np.asarray(at, np.float64)
        self.add(vertices, faces, surface)

    def extrude(self, surface: str, outline: Sequence[Point], width: float,
                narrow: float | None = None) -> None:  # fmt: skip
        """A slab along x over an outline of (z, y) points that its own centre can see.

        `narrow` is the width at the highest point of the outline, for sides that lean inwards.
        """
        points = np.asarray(outline, dtype=np.float64)
        count = len(points)
        rim = np.concatenate([points, points.mean(axis=0, keepdims=True)])
        low, high = rim[:, 1].min(), rim[:, 1].max()
        top = width if narrow is None else narrow
        half = 0.5 * (width + (top - width) * (rim[:, 1] - low) / (high - low))
        left = np.stack([-half, rim[:, 1], rim[:, 0]], axis=1)
        right = np.stack([half, rim[:, 1], rim[:, 0]], axis=1)
        here = np.arange(count)
        after = (here + 1) % count
        other = count + 1
        faces = np.concatenate(
            [
                np.stack([here, after, np.full(count, count)], axis=1),
                np.stack([here + other, after + other, np.full(count, count + other)], axis=1),
                np.stack([here, after, after + other], axis=1),
                np.stack([here, after + other, here + other], axis=1),
            ]
        ).astype(np.int32)
        self.add(np.concatenate([left, right]), faces, surface)

    def done(self) -> Prefab:
        """The parts so far as one object."""
        vertices, faces, face_part = merge(self._pieces)
        return Prefab(vertices, faces, face_part, tuple(self._labels), tuple(self._surfaces))


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    (a, b, c), (d, e, f) = first.tolist(), second.tolist()
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])


def merge(
    pieces: Iterable[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Join (vertices, faces) pieces: vertices (V, 3), faces (F, 3), piece of each face (F,)."""
    pieces = list(pieces)
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in pieces])
    return (
        np.concatenate([vertices for vertices, _ in pieces]),
        np.concatenate([faces + start for (_, faces), start in zip(pieces, starts, strict=False)]),
        np.repeat(np.arange(len(pieces), dtype=np.int32), [len(faces) for _, faces in pieces]),
    )
