"""Primitives put together, and the library of shapes."""

import numpy as np
import pytest

from atdt.domains.streets.classes import IGNORE, PERSON, VEGETATION, VEHICLE
from atdt.domains.streets.config import PAIRS
from atdt.domains.streets.mesh import Assembly, merge, unit_ball, unit_box, unit_tube
from atdt.domains.streets.palette import PALETTES, SURFACES
from atdt.domains.streets.scene import VARIANTS, library

FAMILIES = [style.shapes for styles in PAIRS.values() for style in styles.values()]


def test_unit_shapes_fill_their_unit_boxes() -> None:
    for (vertices, faces), low, high in (
        (unit_box(), (-0.5, -0.5, -0.5), (0.5, 0.5, 0.5)),
        (unit_tube(8), (-1, 0, -1), (1, 1, 1)),
    ):
        np.testing.assert_allclose(vertices.min(axis=0), low, atol=1e-9)
        np.testing.assert_allclose(vertices.max(axis=0), high, atol=1e-9)
        assert faces.max() == len(vertices) - 1
    np.testing.assert_allclose((unit_ball(1)[0] ** 2).sum(axis=1), 1.0)


@pytest.mark.parametrize("end", [(0, 2, 0), (1, 0, 0), (0, 0, -3), (0.3, -1.0, 2.0)])
def test_a_limb_goes_from_start_to_end_with_its_radii(end: tuple) -> None:
    body = Assembly(PERSON)
    start = np.array([0.5, 1.0, -0.5])
    body.limb("shirt", start, start + end, 0.2, 0.1, sections=12)
    offset = body.done().vertices - start
    axis = np.asarray(end) / np.linalg.norm(end)
    along = offset @ axis
    across = np.linalg.norm(offset - along[:, None] * axis, axis=1)
    rim = across > 1e-9
    np.testing.assert_allclose(across[rim & (along < 1e-9)], 0.2)
    np.testing.assert_allclose(across[rim & (along > 1e-9)], 0.1)
    assert along.max() == pytest.approx(np.linalg.norm(end))


def test_parts_keep_their_labels_and_faces() -> None:
    body = Assembly(PERSON)
    body.box("shirt", (1, 1, 1), (0, 0, 0))
    body.label = IGNORE
    body.box("bag", (1, 1, 1), (0, 2, 0))
    made = body.done()
    assert made.labels == (PERSON, IGNORE)
    assert made.surfaces == ("shirt", "bag")
    np.testing.assert_array_equal(np.bincount(made.face_part), [12, 12])
    assert (made.vertices[made.faces[made.face_part == 1], 1] >= 1.5).all()


def test_merge_moves_the_indices_of_later_pieces() -> None:
    vertices, faces, piece = merge([unit_box(), unit_box()])
    assert vertices.shape == (16, 3)
    assert faces[piece == 1].min() == 8


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("kind", "label", "height", "width"),
    [("person", PERSON, (1.0, 2.4), 1.3), ("car", VEHICLE, (1.3, 3.1), 7.0),
     ("tree", VEGETATION, (3.5, 13.0), 6.5), ("bush", VEGETATION, (0.6, 2.0), 2.8)],
)  # fmt: skip
def test_shapes_stand_on_the_ground_with_believable_sizes(
    family: str, kind: str, label: int, height: tuple, width: float
) -> None:
    for variant in range(VARIANTS):
        for coarse in (False, True):
            made = library(kind, family, variant, coarse)
            low, high = made.vertices.min(axis=0), made.vertices.max(axis=0)
            assert -0.35 < low[1] < 0.25
            assert height[0] < high[1] < height[1]
            assert max(high[0] - low[0], high[2] - low[2]) < width
            assert set(made.labels) == {label}
            assert set(made.surfaces) <= set(SURFACES)
            assert np.isfinite(made.vertices).all()
        assert len(made.faces) <= len(library(kind, family, variant, False).faces)


def test_every_appearance_colours_every_surface() -> None:
    for palette in PALETTES.values():
        assert set(palette) == set(SURFACES)
        assert all(0 <= channel <= 1 for row in palette.values() for c in row for channel in c)
