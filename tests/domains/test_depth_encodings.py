"""Whole numbers and the metres that they stand for: there and back, and as documented."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from atdt.domains.cameras import Camera
from atdt.domains.depth_encodings import UINT16_LARGEST, depth_encoding
from atdt.domains.encodings import (
    check_encoding,
    needs_camera,
    read_depth,
    read_predicted_depth,
    write_depth,
)
from atdt.errors import DomainError

CAMERA = Camera(focal=721.5, baseline=0.54)
NAMES = (
    "rgb24-1000m",
    "rgb24-5000m",
    "uint16/256",
    "uint16*0.001",
    "uint16*0.002+0.5",
    "uint16*0.002-0.25",
    "disparity/256",
    "disparity-cityscapes",
    "sunrgbd",
    "nyu-raw",
)
ENDING = {"nyu-raw": "d.pgm"}
SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=4)
on_files = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@on_files
@given(name=st.sampled_from(NAMES), data=st.data())
def test_every_number_is_written_and_read_back_as_itself(tmp_path, name, data):
    code = depth_encoding(name)
    drawn = data.draw(arrays(np.uint32, SHAPES, elements=st.integers(0, code.largest)))
    metres = code.metres(drawn, CAMERA)
    path = write_depth(tmp_path / ENDING.get(name, "d.png"), metres, name, CAMERA)
    there = metres > 0
    assert np.array_equal(code.read(path)[there], drawn[there])
    read = read_depth(path, name, CAMERA)
    assert read.dtype == np.float32
    assert np.array_equal(read, metres.astype(np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_beyond_its_ends_is_refused_and_the_ends_are_not(tmp_path, name):
    path = tmp_path / ENDING.get(name, "d.png")
    least, most = depth_encoding(name).range(CAMERA)
    write_depth(path, np.array([[least, most]]), name, CAMERA)
    assert np.allclose(read_depth(path, name, CAMERA), [[least, most]], rtol=1e-6)
    for metres in (most * 1.01 + 1, least * 0.4):
        with pytest.raises(DomainError, match=rf"depth {metres:g} m cannot be written"):
            write_depth(path, np.array([[metres]]), name, CAMERA)


def test_the_numbers_mean_what_is_documented():
    numbers = np.array([0, 1, 257, 25600])
    stereo = 721.5 * 0.54

    def metres(name):
        return depth_encoding(name).metres(numbers, CAMERA).tolist()

    assert metres("disparity/256") == pytest.approx(
        [0, stereo * 256, stereo / (257 / 256), stereo / 100]
    )
    assert metres("disparity-cityscapes") == pytest.approx(
        [0, 0, stereo / (256 / 256), stereo / (25599 / 256)]
    )
    assert metres("uint16*0.002+0.5") == pytest.approx([0, 0.502, 1.014, 51.7])
    assert metres("uint16*0.002-0.25") == pytest.approx([0, 0, 0.264, 50.95])
    raw = depth_encoding("nyu-raw").metres(np.array([0, 839, 1092, 1093, 2047]), CAMERA)
    assert raw.tolist() == pytest.approx([351.3 / 1092.5, 351.3 / 253.5, 702.6, 0, 0])


def test_suns_numbers_are_rotated_and_nyus_bytes_swapped(tmp_path):
    millimetres = np.array([[1, 2500, 40000]], np.uint16)
    rotated = (millimetres.astype(np.uint32) << 3 | millimetres >> 13) & UINT16_LARGEST
    Image.fromarray(rotated.astype(np.uint16)).save(tmp_path / "s.png")
    assert read_depth(tmp_path / "s.png", "sunrgbd").tolist() == [pytest.approx([0.001, 2.5, 40.0])]
    header = b"P5\n2 1\n65535\n"  # big endian by the format, and so swapped where it is little
    (tmp_path / "n.pgm").write_bytes(header + np.array([839, 2047], "<u2").tobytes())
    assert read_depth(tmp_path / "n.pgm", "nyu-raw").tolist() == [pytest.approx([351.3 / 253.5, 0])]


def test_a_disparity_needs_its_camera(tmp_path):
    path = write_depth(tmp_path / "d.png", np.full((2, 2), 8.0), "disparity/256", CAMERA)
    with pytest.raises(DomainError, match=r"d\.png: the focal length is unknown"):
        read_depth(path, "disparity/256")
    with pytest.raises(DomainError, match="the baseline is unknown"):
        read_depth(path, "disparity/256", Camera(700.0))
    assert needs_camera("disparity-cityscapes") and not needs_camera("npy")


@pytest.mark.parametrize(
    "name", ["uint16/0", "uint16/1e-999", "uint16*0", "rgb24-0m", "disparity/", "uint16*1+1+1", ""]
)
def test_names_that_are_none_show_those_that_are(name):
    with pytest.raises(DomainError, match=r"known are 'npy', 'rgb24-1000m' .*'nyu-raw'"):
        check_encoding("depth", name)


def test_predictions_are_numpy_files_or_png(tmp_path):
    metres = np.array([[0.0, 1.5, 255.0]], np.float32)
    path = write_depth(tmp_path / "p.png", metres, "uint16/256")
    assert np.array_equal(read_predicted_depth(path), metres)
    np.save(tmp_path / "p.npy", metres - 0.5)
    assert read_predicted_depth(tmp_path / "p.npy").tolist() == [[0, 1, 254.5]]
