"""NYUv2's splits and its mapping to 40 classes: as MATLAB 5 files and as texts."""

import numpy as np
import pytest
import scipy.io

from atdt.domains.datasets.nyu_tables import read_classes, read_splits
from atdt.errors import DomainError


def test_splits_are_read_from_both_forms(tmp_path):
    mat, text = tmp_path / "splits.MAT", tmp_path / "splits.txt"
    scipy.io.savemat(mat, {"trainNdxs": [[3.0], [1.0]], "testNdxs": [[2.0]]})
    text.write_text("test 2\r\n\ntrain 3, 1\n")
    for path in (mat, text):
        assert read_splits(path, 3) == {"train": [1, 3], "test": [2]}


def test_a_split_may_have_no_frames(tmp_path):
    mat, text = tmp_path / "splits.mat", tmp_path / "splits.txt"
    scipy.io.savemat(mat, {"trainNdxs": [[3.0], [1.0]], "testNdxs": np.zeros((0, 0))})
    text.write_text("train 1 3\ntest")
    for path in (mat, text):
        assert read_splits(path, 3) == {"train": [1, 3], "test": []}


def test_classes_are_read_from_both_forms(tmp_path):
    mat, text = tmp_path / "classMapping40.mat", tmp_path / "classes.txt"
    names = np.array(["otherprop", "cabinet"], object)
    held = {"className": names, "mapClass": np.array([[40, 3, 22]], np.uint8), "z": [1]}
    scipy.io.savemat(mat, held, do_compression=True)
    text.write_text("40\n3\n22\n")
    for path in (mat, text):
        assert read_classes(path, 3).tolist() == [40, 3, 22]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1 2 3 4", "4 numbers, one for each of 5 labels needed"),
        ("0 1 2 3 4", "0 is none of the classes 1 to 40"),
        ("1 2 3 4 41", "41 is none of the classes"),
        ("1 2 3 4 1.5", "1.5 is no whole number"),
        ("1 2 3 4 nan", "nan is no whole number"),
        ("1 2 3 4 1e300", r"1e\+300 is no whole number"),
        ("1 2 3 4 wall", "whole numbers are needed"),
        ("", "0 numbers"),
    ],
)
def test_classes_that_are_wrong_are_refused(tmp_path, text, problem):
    path = tmp_path / "classes.txt"
    path.write_text(text)
    with pytest.raises(DomainError, match=problem) as error:
        read_classes(path, 5)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("train 1 2", "a split is missing; train and test have a line each"),
        ("train 1\ntest 2\nval 3", "a line begins with 'val'; train and test"),
        ("train 1\ntrain 2", "a line begins with 'train'"),
        ("train 0 1\ntest 2", "0 is none of the frames 1 to 3"),
        ("train 1\ntest 2 4", "4 is none of the frames 1 to 3"),
        ("train 1 2\ntest 2 3", "frame 2 is there twice"),
    ],
)
def test_splits_that_are_wrong_are_refused(tmp_path, text, problem):
    path = tmp_path / "splits.txt"
    path.write_text(text)
    with pytest.raises(DomainError, match=problem):
        read_splits(path, 3)


def test_tables_that_cannot_be_read_are_named(tmp_path):
    path = tmp_path / "splits.mat"
    path.write_bytes(b"train 1\n")
    with pytest.raises(DomainError, match="cannot be read as a MATLAB 5 file"):
        read_splits(path, 3)
    for name in ("none.mat", "none.txt"):
        with pytest.raises(DomainError, match="no such file"):
            read_classes(tmp_path / name, 3)
    path.with_suffix(".txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DomainError, match=r"a MATLAB file must end in \.mat"):
        read_classes(path.with_suffix(".txt"), 3)
