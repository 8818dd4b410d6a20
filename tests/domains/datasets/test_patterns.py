"""Paths with fields: found on disk, and filled from another path's fields."""

import pytest

from atdt.domains.datasets.patterns import fields_of, filled, found
from atdt.errors import DomainError


@pytest.fixture
def folder(tmp_path):
    for path in ("a/x_1.png", "a/x_2.png", "b/c/x_1.png", "a/y_1.png", "d[0]/1.txt", "d[0]/2.txt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    return tmp_path


def test_fields_stand_for_one_name_or_several_folders(folder):
    one = list(found(folder, "{scene}/x_{frame}.png"))
    assert one == [
        ("a/x_1.png", {"scene": "a", "frame": "1"}),
        ("a/x_2.png", {"scene": "a", "frame": "2"}),
    ]
    deep = [path for path, _ in found(folder, "{scene+}/x_{frame}.png")]
    assert deep == ["a/x_1.png", "a/x_2.png", "b/c/x_1.png"]
    assert fields_of("{scene+}/x_{frame}/{scene}") == ("scene", "frame")


def test_a_field_that_is_met_twice_has_one_value(folder):
    (folder / "a/a_9.png").touch()
    paths = [path for path, _ in found(folder, "{scene}/{scene}_{frame}.png")]
    assert paths == ["a/a_9.png"]


def test_dots_and_brackets_are_themselves(folder):
    assert not list(found(folder, "{scene}/x_1xpng"))
    assert filled(folder, "{scene}/1.*", {"scene": "d[0]"}) == "d[0]/1.txt"
    with pytest.raises(DomainError, match="2 files, where one is meant"):
        filled(folder, "{scene}/*.txt", {"scene": "d[0]"})


def test_what_is_not_there_is_none(folder):
    assert filled(folder, "{scene}/y_{frame}.png", {"scene": "a", "frame": "2"}) is None
    assert filled(folder, "{scene}/z*", {"scene": "a"}) is None
