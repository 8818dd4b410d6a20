"""What can be rendered, what cannot, and what a knob is."""

from pathlib import Path

import pytest

from atdt.domains.streets.camera import CAMERAS
from atdt.domains.streets.config import KNOBS, PAIRS, RenderConfig, style_of
from atdt.errors import DomainError


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"pair": "roads"}, "'roads'"),
        ({"knobs": ("colour",)}, "'colour'"),
        ({"train": -1}, "train = -1"),
        ({"val": 1_000_001}, "val = 1000001"),
        ({"train": 0, "val": 0, "test": 0}, "nothing to render"),
        ({"size": (4, 48)}, "4x48"),
        ({"seed": -3}, "seed -3"),
        ({"workers": 0}, "workers 0"),
    ],
)
def test_a_value_that_cannot_be_rendered_is_named(wrong: dict, named: str) -> None:
    with pytest.raises(DomainError) as caught:
        RenderConfig(out=Path("anywhere"), **wrong)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("knob", KNOBS)
def test_a_knob_changes_one_part_of_the_style_and_all_of_them_make_b(pair: str, knob: str) -> None:
    first, last = PAIRS[pair]["a"], PAIRS[pair]["b"]
    mixed = style_of(pair, "b", (knob,))
    for part in KNOBS:
        expected = last if part == knob else first
        assert getattr(mixed, part) == getattr(expected, part)
    assert style_of(pair, "b") == last
    assert style_of(pair, "b", ()) == first
    assert style_of(pair, "a", (knob,)) == first


@pytest.mark.parametrize("part", KNOBS)
def test_no_two_domains_of_any_pairs_share_a_choice(part: str) -> None:
    choices = [getattr(style, part) for styles in PAIRS.values() for style in styles.values()]
    assert len(set(choices)) == len(choices) == 2 * len(PAIRS)


def test_a_new_pair_went_last_since_its_place_is_part_of_the_frames() -> None:
    assert list(PAIRS) == ["streets", "streets-held-out", "streets-held-out-2"]


def test_the_cameras_of_all_domains_stand_and_look_differently() -> None:
    kinds = [CAMERAS[style.camera] for styles in PAIRS.values() for style in styles.values()]
    for value in ("focal_share", "height", "pitch"):
        assert len({getattr(kind, value) for kind in kinds}) == len(kinds)


def test_what_decides_the_pixels_leaves_out_the_folder_and_the_workers() -> None:
    one = RenderConfig(out=Path("here"), workers=1, knobs=("camera", "appearance"))
    two = RenderConfig(out=Path("there"), workers=7, knobs=("appearance", "camera"))
    assert one.to_dict() == two.to_dict()
    assert one.to_dict() != RenderConfig(out=Path("here"), seed=1).to_dict()
