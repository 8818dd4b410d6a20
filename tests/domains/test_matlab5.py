"""MATLAB 5 files: what SciPy writes is read as SciPy reads it, and what is damaged is refused."""

import struct

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from atdt.domains.matlab5 import DEEPEST, LARGEST, read_matrices, read_vectors
from atdt.errors import DomainError
from tests.made_datasets import struct_array

WRITTEN = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
KINDS = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
VECTORS = st.sampled_from(KINDS).flatmap(
    lambda kind: arrays.arrays(
        kind,
        st.tuples(st.integers(0, 1), st.integers(0, 40))
        | st.tuples(st.integers(1, 40), st.just(1)),
        elements=None if kind[0] != "f" else st.integers(-999, 999),
    )
)


@WRITTEN
@given(
    names=st.lists(
        st.from_regex(r"[a-zA-Z][a-z0-9_]{0,12}", fullmatch=True), min_size=1, unique=True
    ),
    vectors=st.lists(VECTORS, min_size=12, max_size=12),
    packed=st.booleans(),
)
def test_vectors_are_those_that_were_written(tmp_path, names, vectors, packed):
    held = dict(zip(names, vectors, strict=False))
    path = tmp_path / "held.mat"
    others = {"Cell9": np.array(["a", "longer"], object), "Struct9": {"a": 1}, "Text9": "abc"}
    scipy.io.savemat(path, others | held, do_compression=packed)
    for (name, vector), read in zip(held.items(), read_vectors(path, *held), strict=True):
        assert read.dtype.isnative and read.tolist() == vector.ravel().tolist(), name


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9)
MATRICES = arrays.arrays(
    "f8", st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.floats(-9, 9)
)
ITEMS = st.lists(
    st.fixed_dictionaries({"text": TEXTS, "numbers": MATRICES}), min_size=1, max_size=4
)


@WRITTEN
@given(inner=st.lists(ITEMS, min_size=1, max_size=3), packed=st.booleans())
def test_structs_in_structs_are_those_that_were_written(tmp_path, inner, packed):
    path = tmp_path / "held.mat"
    outer = struct_array([{"inner": struct_array(items), "none": []} for items in inner])
    scipy.io.savemat(path, {"outer": outer}, do_compression=packed)
    (read,) = read_matrices(path, "outer")
    assert len(read) == len(inner)
    for item, items in zip(read, inner, strict=True):
        assert item["none"].size == 0
        assert [one["text"] for one in item["inner"]] == [one["text"] for one in items]
        for one, written in zip(item["inner"], items, strict=True):
            assert np.array_equal(one["numbers"], written["numbers"])


def test_structs_are_not_followed_without_end(tmp_path):
    path = tmp_path / "deep.mat"
    deep = {"a": 1}
    for _ in range(DEEPEST - 1):
        deep = {"a": deep}
    scipy.io.savemat(path, {"deep": deep})
    (read,) = read_matrices(path, "deep")
    for _ in range(DEEPEST):
        ((_, read),) = read[0].items()
    assert read.tolist() == [[1]]
    scipy.io.savemat(path, {"deep": {"a": deep}})
    with pytest.raises(
        DomainError, match=rf"deep(\.a){{{DEEPEST}}} lies in more than {DEEPEST} structs"
    ):
        read_matrices(path, "deep")


def element(order, kind, content):
    return struct.pack(f"{order}II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def matlab5(order, kind, content, flags=6, size=None):
    """A file of one matrix n, of double numbers that are stored as another type, as MATLAB does."""
    size = (1, len(content)) if size is None else size
    matrix = (
        element(order, 6, struct.pack(f"{order}II", flags, 0))
        + element(order, 5, struct.pack(f"{order}2i", *size))
        + struct.pack(f"{order}I4s", 1 << 16 | 1, b"n")
        + element(order, kind, content)
    )
    ends = struct.pack(f"{order}HH", 0x100, 0x4D49)
    return b"MATLAB 5.0 MAT-file".ljust(124) + ends + element(order, 14, matrix)


@pytest.mark.parametrize("order", ["<", ">"])
def test_whole_doubles_that_matlab_stores_in_a_byte_each_are_read(tmp_path, order):
    path = tmp_path / "n.mat"
    path.write_bytes(matlab5(order, 2, bytes([1, 40, 255, 0, 7])))
    assert scipy.io.loadmat(path)["n"].tolist() == [[1, 40, 255, 0, 7]]
    (read,) = read_vectors(path, "n")
    assert read.tolist() == [1, 40, 255, 0, 7]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (matlab5("<", 2, b"12", flags=0x806), "n holds no real numbers"),
        (matlab5("<", 2, b"12", flags=4), "n holds no real numbers"),  # a text
        (matlab5("<", 200, b"12"), "n holds no real numbers"),
        (matlab5("<", 2, b"12", size=(1, 3)), "n has 2 numbers, which is not its size"),
        (matlab5("<", 9, b"12345"), "cannot be read"),
        (matlab5("<", 2, b"12")[:-9], "it is cut off"),
        (matlab5("<", 2, b"12")[:131], "it is cut off"),
        (matlab5("<", 2, b"12").replace(b"\0\1IM", b"\0\2IM"), "does not begin like one"),
        (b"MATLAB 5.0", "does not begin like one"),
        (b"", "does not begin like one"),
        (matlab5("<", 2, b"12").replace(b"n", b"m"), "holds no n"),
    ],
)
def test_what_holds_no_such_vector_is_refused(tmp_path, data, problem):
    path = tmp_path / "n.mat"
    path.write_bytes(data)
    with pytest.raises(DomainError, match=problem) as error:
        read_vectors(path, "n")
    assert str(error.value).startswith(f"{path}: ")


def test_what_unpacks_to_too_much_is_refused(tmp_path):
    path = tmp_path / "n.mat"
    scipy.io.savemat(path, {"n": np.zeros((1, LARGEST), np.uint8)}, do_compression=True)
    assert path.stat().st_size < 2**16
    with pytest.raises(DomainError, match=f"more than {LARGEST} bytes"):
        read_vectors(path, "n")


@WRITTEN
@given(
    places=st.lists(st.tuples(st.integers(120, 1400), st.integers(0, 255)), max_size=5),
    length=st.integers(0, 1500),
    packed=st.booleans(),
)
def test_damaged_files_are_read_or_refused(tmp_path, places, length, packed):
    path = tmp_path / "damaged.mat"
    held = {
        "n": np.arange(30.0)[:, None],
        "short": [[1]],
        "cell": np.array(["a", "b"], object),
        "items": struct_array([{"name": "abc", "mask": np.eye(3)}, {"name": "d", "mask": []}]),
    }
    scipy.io.savemat(path, held, do_compression=packed)
    damaged = bytearray(path.read_bytes())
    for place, value in places:
        damaged[place % len(damaged)] = value
    path.write_bytes(damaged[:length])
    try:
        found = read_vectors(path, "n", "short")
        read_matrices(path, "items")
    except DomainError as error:
        assert str(error).startswith(f"{path}: ")
    else:
        assert all(vector.ndim == 1 for vector in found)
