"""Semantic ids, however they are written."""

import re

import numpy as np
import pytest

from atdt.domains import IGNORE, LabelSpace, label_space
from atdt.domains.encodings import write_png
from atdt.domains.semantic_files import NAMING, check_colours, read_ids
from atdt.errors import DomainError

SPACE = label_space("camvid")
IDS = np.arange(11, dtype=np.uint8).reshape(1, 11)


def test_tags_in_the_red_channel(tmp_path):
    path = write_png(tmp_path / "a.png", np.stack([IDS, 0 * IDS, 0 * IDS], axis=2))
    assert np.array_equal(read_ids(path, "red", None), IDS)
    coloured = np.zeros((1, 11, 3), np.uint8)
    coloured[0, 3] = 128, 64, 128
    write_png(path, coloured)
    with pytest.raises(DomainError, match=r"a\.png: 1 pixels, such as \[128, 64, 128\], have"):
        read_ids(path, "red", None)


def test_colours_of_the_files_label_space(tmp_path):
    path = write_png(tmp_path / "a.png", np.array(SPACE.colours, np.uint8)[IDS])
    assert np.array_equal(read_ids(path, "colours", SPACE), IDS)


def test_a_space_may_have_a_colour_for_void(tmp_path):
    voc = label_space("voc21")
    pixels = np.array([*voc.colours, (224, 224, 192)], np.uint8)[None]
    path = write_png(tmp_path / "a.png", pixels)
    assert read_ids(path, "colours", voc).tolist() == [[*range(21), IGNORE]]
    unvoid = LabelSpace.from_dict(voc.to_dict())
    assert unvoid == voc and LabelSpace.from_dict(voc.to_file()).void == voc.void
    with pytest.raises(DomainError, match=r"\[224, 224, 192\] \(1 pixels\), which 'voc21' lacks"):
        read_ids(path, "colours", unvoid)


def test_colours_that_are_none_are_named_the_commonest_first(tmp_path):
    pixels = np.array(SPACE.colours, np.uint8)[np.zeros((3, 4), int)]
    pixels[0] = 1, 2, 3
    pixels[1, :2] = 255, 255, 255
    path = write_png(tmp_path / "a.png", pixels)
    message = "holds colours [1, 2, 3] (4 pixels), [255, 255, 255] (2 pixels), which 'camvid' lacks"
    with pytest.raises(DomainError, match=re.escape(f"{path}: {message}")):
        read_ids(path, "colours", SPACE)
    pixels[2] = [[9, k, 9] for k in range(4)]
    write_png(path, pixels)
    with pytest.raises(DomainError, match="and 2 more, which"):
        read_ids(path, "colours", SPACE)


def test_whole_numbers_of_a_numpy_file(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([[-1.0, 0.0, 12.0]]))
    assert read_ids(path, "npy", None).tolist() == [[255, 0, 12]]
    np.save(path, np.array([[[3], [4]]], np.int64))
    assert read_ids(path, "npy", None).tolist() == [[3, 4]]
    for wrong, shown in ((0.5, "0.5"), (-2, "-2"), (1e6, r"1e\+06"), (np.nan, "nan")):
        np.save(path, np.array([[0.0, wrong]]))
        with pytest.raises(DomainError, match=rf"a\.npy: {shown} in 1 pixels is no id"):
            read_ids(path, "npy", None)
    np.save(path, np.zeros((1, 2, 3)))
    with pytest.raises(DomainError, match=r"holds float64 \(1, 2, 3\), but \(H, W\) or"):
        read_ids(path, "npy", None)


def test_the_halves_of_grey_values(tmp_path):
    path = write_png(tmp_path / "a.png", np.array([[0, 127, 128, 255]], np.uint8))
    assert read_ids(path, "halves", None).tolist() == [[0, 0, 1, 1]]
    write_png(path, np.zeros((1, 2, 3), np.uint8))
    with pytest.raises(DomainError, match=r"a\.png: has mode RGB, not grey values of 8 bits"):
        read_ids(path, "halves", None)


def test_what_is_read_by_names_needs_them(tmp_path):
    for encoding in NAMING:
        with pytest.raises(DomainError, match=f"{encoding} need `file_label_space` or"):
            read_ids(tmp_path / "a", encoding, None)


def test_one_colour_for_two_classes_is_well_where_they_become_one():
    space = LabelSpace("two", ("a", "b", "c"), ((1, 1, 1), (1, 1, 1), (2, 2, 2)))
    check_colours(space, {0: 5, 1: 5, 2: 6})
    with pytest.raises(DomainError, match=r"'a' and 'b' of 'two' have the same colour \[1, 1, 1\]"):
        check_colours(space, {0: 5, 1: 255, 2: 6})
