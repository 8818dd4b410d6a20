"""Maps in `.npy` files: what is not one is refused."""

import pickle

import numpy as np
import pytest

from atdt.errors import UserError
from atdt.tasks.files import read_map, write_map


def test_a_map_comes_back_as_float32(tmp_path):
    values = np.arange(6, dtype=np.float64).reshape(2, 3) / 7
    path = write_map(tmp_path / "deep" / "map.npy", values)
    read = read_map(path)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, values.astype(np.float32))


def test_only_two_dimensions_are_written(tmp_path):
    with pytest.raises(ValueError, match=r"expected \(h, w\)"):
        write_map(tmp_path / "map.npy", np.zeros((1, 2, 3)))


def test_a_pickle_is_never_opened(tmp_path):
    path = tmp_path / "map.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="no array of numbers"):
        read_map(path)
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(UserError, match="no array of numbers"):
        read_map(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 2), np.float64), "not a float32 array"),
        (np.zeros((1, 2, 2), np.float32), "not a float32 array"),
        (np.array([[np.nan]], np.float32), "NaN or infinity"),
        (np.array([[np.inf]], np.float32), "NaN or infinity"),
    ],
)
def test_what_is_no_map_is_refused_with_its_name(tmp_path, values, message):
    path = tmp_path / "map.npy"
    np.save(path, values)
    with pytest.raises(UserError, match=rf"map\.npy: .*{message}"):
        read_map(path)


def test_absent_and_torn_files_are_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_map(tmp_path / "absent.npy")
    torn = write_map(tmp_path / "torn.npy", np.zeros((4, 4)))
    torn.write_bytes(torn.read_bytes()[:-5])
    with pytest.raises(UserError, match=r"torn\.npy: no array of numbers"):
        read_map(torn)
    (tmp_path / "empty.npy").write_bytes(b"")
    with pytest.raises(UserError, match=r"empty\.npy: no array of numbers"):
        read_map(tmp_path / "empty.npy")
