"""PASCAL-Part's files: parts of all persons in one map."""

import numpy as np
import pytest
import scipy.io

from atdt.domains import IGNORE, label_space
from atdt.domains.label_table import label_table
from atdt.domains.person_parts import read_person_parts
from atdt.errors import DomainError
from tests.made_datasets import write_person_parts

SPACE = label_space("person-parts25")
SIZE = (3, 5)


def mask(*columns):
    made = np.zeros(SIZE, bool)
    made[:, list(columns)] = True
    return made


def named(ids):
    return ["none" if k == IGNORE else SPACE.classes[k] for k in ids[0]]


def test_parts_of_all_persons_lie_in_one_map_the_later_over_the_earlier(tmp_path):
    path = tmp_path / "a.mat"
    dog = ("dog", mask(4), [("head", mask(4))])
    one = ("person", mask(0, 1), [("head", mask(0, 1)), ("leye", mask(1))])
    other = ("person", mask(1, 2), [("lfoot", mask(2))])
    write_person_parts(path, [dog, one, other, ("person", mask(3), [])])
    ids = read_person_parts(path, SPACE)
    assert ids.dtype == np.uint8 and ids.shape == SIZE
    assert named(ids) == ["head", "leye", "lfoot", "background", "background"]
    merged = label_table("person-parts25-to-person-parts7").label_map
    assert [merged.ids[k] for k in ids[0]] == [1, 1, 6, 0, 0]


@pytest.mark.parametrize(
    "objects", [[("dog", mask(4), [("head", mask(4))])], [("person", mask(3), [])]]
)
def test_an_image_without_parts_of_persons_has_no_labels(tmp_path, objects):
    path = tmp_path / "a.mat"
    write_person_parts(path, objects)
    ids = read_person_parts(path, SPACE)
    assert ids.shape == SIZE and (ids == IGNORE).all()


def test_a_part_that_is_unknown_is_named_with_its_pixels(tmp_path):
    path = tmp_path / "a.mat"
    write_person_parts(path, [("person", mask(0), [("tail", mask(0)), ("head", mask(1))])])
    with pytest.raises(
        DomainError, match=r"a\.mat: holds parts 'tail' \(3 pixels\), which 'person-p"
    ):
        read_person_parts(path, SPACE)


@pytest.mark.parametrize(
    ("anno", "problem"),
    [
        ({"anno": {"imname": "a"}}, "anno has no objects"),
        ({"anno": {"objects": {"class": "dog"}}}, "anno.objects has no mask"),
        ({"anno": {"objects": np.ones((1, 2))}}, "anno.objects is no struct"),
        ({"anno": np.ones((1, 2))}, "anno is no struct"),
        ({"anno": np.zeros((0, 0))}, "anno.objects is empty"),
        (
            {"anno": {"objects": {"class": "dog", "mask": "no", "parts": []}}},
            r"a mask is not \(H, W\)",
        ),
        ({"other": 1}, "holds no anno"),
    ],
)
def test_other_files_are_refused(tmp_path, anno, problem):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, anno)
    with pytest.raises(DomainError, match=problem) as error:
        read_person_parts(path, SPACE)
    assert str(error.value).startswith(f"{path}: ")


def test_masks_of_several_sizes_are_refused(tmp_path):
    path = tmp_path / "a.mat"
    write_person_parts(path, [("person", mask(0), [("head", np.ones((4, 5)))])])
    with pytest.raises(
        DomainError, match=r"masks of \(3, 5\) and \(4, 5\), where one size is meant"
    ):
        read_person_parts(path, SPACE)
