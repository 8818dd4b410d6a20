"""A layout with shapes put in: one mesh with labels, and the rays that look at it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from atdt.domains.streets import shapes_cars, shapes_people, shapes_plants, shapes_street
from atdt.domains.streets.classes import IGNORE, SIDEWALK
from atdt.domains.streets.layout import Item, Layout, Strip
from atdt.domains.streets.mesh import Prefab, merge
from atdt.domains.streets.vectors import cross, dot

VARIANTS = 24  # different people, cars and plants of a kind; each is built once a process
COARSE_METRES = 32.0  # beyond, a lump of leaves or a limb is a few pixels
PIECE_METRES = 3.0  # of a short strip that bends; from 114 m on, it has 39 pieces
LIBRARY_SEED = 7_041_776  # fixed: the library is part of the generator, not of a scene


@cache
def library(kind: str, family: str, variant: int, coarse: bool) -> Prefab:
    """One of the `VARIANTS` people, cars, trees or bushes of a family."""
    makers = {
        "person": shapes_people.PEOPLE,
        "car": shapes_cars.CARS,
        "tree": shapes_plants.TREES,
        "bush": shapes_plants.BUSHES,
    }
    kinds = tuple(makers)
    rng = np.random.default_rng([LIBRARY_SEED, kinds.index(kind), variant])
    return makers[kind][family](rng, coarse)


def _from_library(item: Item, family: str) -> Prefab:
    return library(item.kind, family, int(item.pick * VARIANTS), item.l > COARSE_METRES)


def _hedge(item: Item, family: str) -> Prefab:
    rng = np.random.default_rng([LIBRARY_SEED, int(item.pick * VARIANTS)])
    return shapes_plants.HEDGES[family](*item.size, rng, item.l > COARSE_METRES)


MAKERS: dict[str, Callable[[Item, str], Prefab]] = {
    "person": _from_library,
    "car": _from_library,
    "tree": _from_library,
    "bush": _from_library,
    "hedge": _hedge,
    "house": lambda item, _: shapes_street.house(*item.size, item.pick),
    "wall": lambda item, _: shapes_street.wall(*item.size),
    "catenary": lambda item, _: shapes_street.catenary(*item.size),
    "tram": lambda item, _: shapes_street.tram(*item.size, item.pick),
    "fence": lambda item, _: shapes_street.fence(*item.size, item.pick),
    "lamp": lambda item, _: shapes_street.lamp(*item.size),
    "mast": lambda item, _: shapes_street.mast(*item.size),
    "bollards": lambda item, _: shapes_street.bollards(*item.size),
    "sign": lambda item, _: shapes_street.sign(item.pick),
    "board": lambda item, _: shapes_street.board(item.pick),
    "traffic_light": lambda item, _: shapes_street.traffic_light(int(item.pick * 3)),
}


@dataclass(frozen=True)
class Hits:
    """What N rays met.

    Attributes:
        part: (N,) int32, -1 where a ray leaves the scene.
        distance: (N,) float64 in lengths of the ray's direction, 0 where it leaves.
        point, normal: (N, 3) float64 world; the unit normal faces the ray's origin; 0 where it
            leaves.
    """

    part: np.ndarray
    distance: np.ndarray
    point: np.ndarray
    normal: np.ndarray

    @property
    def hit(self) -> np.ndarray:
        """(N,) bool: did the ray meet anything?"""
        return self.part >= 0


class Scene:
    """A street ready for rays.

    Attributes:
        layout: what it was made from.
        labels: (P,) uint8 semantic id of each part.
        surfaces: what each part is made of, P names.
        owner: (P,) int32, the object that a part belongs to.
        foot: (P, 3) float64, where that object stands.
    """

    def __init__(self, layout: Layout, shapes: str) -> None:
        self.layout = layout
        ground = (_underground(), *layout.strips)
        pieces = [_strip_mesh(layout, strip) for strip in ground]
        face_parts = [np.full(len(faces), part, np.int32) for part, (_, faces) in enumerate(pieces)]
        labels = [strip.label for strip in ground]
        surfaces = [strip.surface for strip in ground]
        owners, feet = list(range(len(ground))), [np.zeros(3)] * len(ground)
        for number, item in enumerate(layout.items, start=len(ground)):
            prefab = MAKERS[item.kind](item, shapes)
            foot, vertices = _place(layout, item, prefab)
            pieces.append((vertices, prefab.faces))
            face_parts.append(prefab.face_part + len(labels))
            labels.extend(prefab.labels)
            surfaces.extend(prefab.surfaces)
            owners.extend([number] * len(prefab.labels))
            feet.extend([foot] * len(prefab.labels))
        self.labels = np.array(labels, dtype=np.uint8)
        self.surfaces = tuple(surfaces)
        self.owner = np.array(owners, dtype=np.int32)
        self.foot = np.array(feet)
        vertices, faces, _ = merge(pieces)
        self._face_part = np.concatenate(face_parts)
        first, second, third = (vertices[faces[:, corner]] for corner in range(3))
        self._corner, self._across = first, cross(second - first, third - first)
        self._embree = EmbreeScene()
        TriangleMesh(scene=self._embree, vertices=vertices.astype(np.float32), indices=faces)

    def trace(self, origin: np.ndarray, directions: np.ndarray) -> Hits:
        """First hits of rays from one origin (3,) or from many (N, 3) along directions (N, 3).

        Embree finds the triangle in float32; where the ray meets it is computed again in float64,
        so that depths do not depend on the processor's vector instructions.
        """
        origins = np.ascontiguousarray(np.broadcast_to(origin, directions.shape))
        face = self._embree.run(origins.astype(np.float32), directions.astype(np.float32))
        hit = face >= 0
        met = face[hit]
        across = self._across[met]
        towards = dot(across, directions[hit])
        along = dot(across, self._corner[met] - origins[hit]) / towards
        across = across / np.sqrt(dot(across, across))[:, None]
        part = np.full(len(face), -1, dtype=np.int32)
        distance = np.zeros(len(face))
        point, normal = np.zeros((len(face), 3)), np.zeros((len(face), 3))
        part[hit] = self._face_part[met]
        distance[hit] = along
        point[hit] = origins[hit] + along[:, None] * directions[hit]
        normal[hit] = np.where(towards[:, None] > 0, -across, across)
        return Hits(part, distance, point, normal)

    def blocked(self, origins: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """(N,) bool: does anything stand in the way from `origins` (N, 3) along one direction?"""
        rays = np.ascontiguousarray(np.broadcast_to(direction, origins.shape)).astype(np.float32)
        return self._embree.run(origins.astype(np.float32), rays, query="OCCLUDED") >= 0


def _place(layout: Layout, item: Item, prefab: Prefab) -> tuple[np.ndarray, np.ndarray]:
    """The item's foot (3,) and its vertices (V, 3) in the world."""
    x, z, heading = layout.world(item.s, item.l)
    foot = np.array([x, item.base, z])
    cos, sin = np.cos(heading + item.yaw), np.sin(heading + item.yaw)
    scale = item.size[0] if item.kind == "tree" and item.size else 1.0
    px, py, pz = prefab.vertices.T * scale
    return foot, np.stack([cos * px + sin * pz, py, cos * pz - sin * px], axis=1) + foot


def _underground() -> Strip:
    """Bare land below everything, as far as one can see."""
    return Strip(IGNORE, "grass", (-400.0, 400.0), (-20.0, 400.0), -0.12, along=False)


def _strip_mesh(layout: Layout, strip: Strip) -> tuple[np.ndarray, np.ndarray]:
    """A strip's top and its two upright edges (kerbs): vertices (V, 3), faces (F, 3)."""
    bent = strip.along and layout.bend != 0.0
    pieces = min(39, int((strip.l[1] - strip.l[0]) / PIECE_METRES) + 1) if bent else 1
    stops = np.linspace(*strip.l, pieces + 1)
    shift = 0.5 * layout.bend * np.maximum(stops, 0.0) ** 2 if bent else np.zeros(len(stops))
    low = strip.top - 0.2 if strip.label in (SIDEWALK, IGNORE) else strip.top - 0.005
    lines = [(strip.s[0], low), (strip.s[0], strip.top), (strip.s[1], strip.top), (strip.s[1], low)]
    vertices = np.concatenate(
        [np.stack([s + shift, np.full(len(stops), y), stops], axis=1) for s, y in lines]
    )
    here = np.arange(len(stops) - 1)
    faces = []
    for line in range(3):
        near, far = here + line * len(stops), here + (line + 1) * len(stops)
        faces.append(np.stack([near, near + 1, far], axis=1))
        faces.append(np.stack([near + 1, far + 1, far], axis=1))
    ends = np.array([0, len(stops) - 1])
    a, b, c, d = (ends + line * len(stops) for line in range(4))
    faces.append(np.stack([a, b, c], axis=1))
    faces.append(np.stack([a, c, d], axis=1))
    return vertices, np.concatenate(faces).astype(np.int32)
