"""What a label network reads of labels of semantics."""

import numpy as np
import pytest

from atdt.errors import UserError
from atdt.label_transfer.reading import GROUND, Reading

CLASSES = ("road", "sky", "house")
IDS = np.array([[1, 1, 2], [0, 2, 255], [0, 0, 0]], np.uint8)


def test_semantics_are_one_channel_a_class_one_for_none_and_the_row():
    reading = Reading("semantic", CLASSES)
    read = reading.read(IDS, None, None)
    assert read.shape == (reading.channels, 3, 3) and read.dtype == np.float32
    assert (read[:3].argmax(axis=0)[IDS < 3] == IDS[IDS < 3]).all()
    assert (read[3] == (IDS == 255)).all()
    assert (read[:4].sum(axis=0) == 1).all()
    assert read[4, :, 0].tolist() == [-1, 0, 1]


def test_depth_of_the_ground_is_read_as_a_logarithm_and_whether_it_is_known():
    reading = Reading("semantic", CLASSES, (("road", 0.0),), ("house",))
    metres = np.array([[0, 0, 9], [20, 9, 0], [4, 4, 4]], np.float32)
    read = reading.read(IDS, metres, 30.0)
    assert read.shape == (reading.channels, 3, 3)
    assert (read[-1] == (metres > 0)).all()
    assert np.allclose(read[-2][metres > 0], np.log(metres[metres > 0]) - GROUND)
    assert not read[-2][metres == 0].any()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("normals",), "--from normals: labels of semantic and depth can be transferred"),
        (("depth", (), (("road", 0.0),)), "--ground, --standing: are classes; --from depth has"),
        (("semantic", CLASSES, (), ("house",)), "--standing house: needs a --ground to stand on"),
        (
            ("semantic", CLASSES, (("road", 0.0),), (), 0.0),
            "--farthest 0: must be a number of metres above 0",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(arguments, said):
    with pytest.raises(UserError, match=said):
        Reading(*arguments)
