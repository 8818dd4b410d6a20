"""Depth and normals survive files within a stated error; what files cannot hold is refused."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from atdt.domains.encodings import (
    check_encoding,
    read_depth,
    read_normals,
    read_png,
    write_depth,
    write_normals,
    write_png,
)
from atdt.errors import DomainError

STEP = {"rgb24-1000m": 1000 / (2**24 - 1), "uint16/256": 1 / 256, "uint16/100": 0.01}
FARTHEST = {"rgb24-1000m": 1000.0, "uint16/256": 65535 / 256, "uint16/100": 655.35}
SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=5)
on_files = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@on_files
@given(encoding=st.sampled_from(sorted(STEP)), data=st.data())
def test_depth_is_read_back_within_half_a_step(tmp_path, encoding, data):
    values = st.one_of(st.just(0.0), st.floats(STEP[encoding], FARTHEST[encoding]))
    metres = data.draw(arrays(np.float64, SHAPES, elements=values))
    read = read_depth(write_depth(tmp_path / "d.png", metres, encoding), encoding)
    assert read.dtype == np.float32
    rounding = np.spacing(np.float32(FARTHEST[encoding]))
    assert np.abs(read - metres).max() <= STEP[encoding] / 2 + rounding
    assert np.array_equal(read == 0, metres == 0)


@on_files
@given(arrays(np.float32, SHAPES, elements=st.floats(0, 2.0**100, width=32)))
def test_npy_depth_is_exact(tmp_path, metres):
    assert np.array_equal(read_depth(write_depth(tmp_path / "d.npy", metres, "npy"), "npy"), metres)


def test_rgb24_has_the_channels_in_carlas_order(tmp_path):
    write_png(tmp_path / "d.png", np.array([[[3, 2, 1], [255, 255, 255]]], np.uint8))
    read = read_depth(tmp_path / "d.png", "rgb24-1000m")
    assert read[0, 0] == np.float32(1000 * (3 + 2 * 256 + 65536) / (2**24 - 1))
    assert read[0, 1] == 1000


def test_rgb24_with_alpha_as_carla_writes_it(tmp_path):
    pixels = np.array([[[3, 2, 1, 255]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "d.png")
    expected = np.float32(1000 * (3 + 2 * 256 + 65536) / (2**24 - 1))
    assert read_depth(tmp_path / "d.png", "rgb24-1000m") == expected


@pytest.mark.parametrize(
    ("encoding", "metres", "message"),
    [
        (
            "rgb24-1000m",
            1000.1,
            "depth 1000.1 m cannot be written as rgb24-1000m, which holds 5.96046e-05 to 1000 m",
        ),
        (
            "uint16/256",
            256.0,
            "depth 256 m cannot be written as uint16/256, which holds 0.00390625 to 255.996 m",
        ),
        ("uint16/1", 0.25, "depth 0.25 m cannot be written as uint16/1, which holds 1 to 65535 m"),
        ("uint16/256", -1.0, "depth -1 m in 1 pixels"),
        ("rgb24-1000m", np.nan, "depth nan m in 1 pixels"),
        ("npy", np.inf, "depth inf m in 1 pixels"),
    ],
)
def test_depth_that_a_file_cannot_hold_is_named(tmp_path, encoding, metres, message):
    depth = np.full((2, 2), 1.0)
    depth[1, 0] = metres
    with pytest.raises(DomainError, match=re.escape(message)):
        write_depth(tmp_path / "d.png", depth, encoding)
    assert not (tmp_path / "d.png").exists()


def test_depth_files_of_another_encoding_are_refused(tmp_path):
    write_png(tmp_path / "grey.png", np.ones((2, 2), np.uint8))
    with pytest.raises(DomainError, match=r"grey\.png: has 8 bits, but uint16/256 needs 16"):
        read_depth(tmp_path / "grey.png", "uint16/256")
    with pytest.raises(DomainError, match=r"grey\.png: has mode L, not three channels"):
        read_depth(tmp_path / "grey.png", "rgb24-1000m")
    with pytest.raises(DomainError, match=r"grey\.png: does not load as an array"):
        read_depth(tmp_path / "grey.png", "npy")


class Loud:
    def __reduce__(self):
        return print, ("unpickled",)


def test_normals_of_a_numpy_file_are_made_unit_vectors_or_none(tmp_path):
    rows = [[3.0, 0.0, 4.0], [0.0, 0.0, -1.0], [0.6, 0.48, 0.64], [0.0, 0.0, 0.0], [0.6, 0.0, 0.8]]
    vectors = np.array([rows]) * np.array([0.2, 1.0, 1.2, 1.0, 0.1])[None, :, None]
    np.save(tmp_path / "n.npy", vectors)
    normals = read_normals(tmp_path / "n.npy", "npy")
    assert normals.dtype == np.float32 and normals.shape == (1, 5, 3)
    expected = [[0.6, 0, 0.8], [0, 0, -1], [0.6, 0.48, 0.64], [0, 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(normals[0], expected, atol=1e-6)
    np.save(tmp_path / "n.npy", vectors[..., :2])
    with pytest.raises(DomainError, match=r"n\.npy: holds float64 \(1, 5, 2\)"):
        read_normals(tmp_path / "n.npy", "npy")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            np.zeros((1, 2, 2, 1)),
            r"holds float64 \(1, 2, 2, 1\), but \(H, W\) or \(H, W, 1\) numbers",
        ),
        (np.array([["a"]]), r"holds <U1 \(1, 1\), but"),
        (np.array([[1.0, np.nan]]), "depth nan m in 1 pixels; write 0 for none"),
        (np.array([[-2.0, -1.0]]), "depth -2 m in 2 pixels"),
        (np.array([[Loud()]]), "does not load as an array"),
    ],
)
def test_npy_files_that_are_no_depth(tmp_path, capsys, content, message):
    np.save(tmp_path / "d.npy", content, allow_pickle=True)
    with pytest.raises(DomainError, match=message):
        read_depth(tmp_path / "d.npy", "npy")
    assert capsys.readouterr().out == ""


def test_npy_files_that_are_torn_absent_or_archives(tmp_path):
    np.save(tmp_path / "d.npy", np.ones((50, 50)))
    whole = (tmp_path / "d.npy").read_bytes()
    for part in (0, 5, 20, 100, 1000):
        (tmp_path / "d.npy").write_bytes(whole[:part])
        with pytest.raises(DomainError, match="does not load"):
            read_depth(tmp_path / "d.npy", "npy")
    (tmp_path / "d.npy").write_bytes(whole.replace(b"(50, 50), ", b"(9999999999999,)"))
    with pytest.raises(DomainError, match=r"d\.npy: "):
        read_depth(tmp_path / "d.npy", "npy")
    with pytest.raises(DomainError, match="no such file"):
        read_depth(tmp_path / "none.npy", "npy")
    np.savez(tmp_path / "a.npz", d=np.ones((2, 2)))
    with pytest.raises(DomainError, match="holds NpzFile"):
        read_depth(tmp_path / "a.npz", "npy")


@on_files
@given(
    arrays(
        np.float64,
        array_shapes(min_dims=2, max_dims=2, max_side=4).map(lambda s: (*s, 3)),
        elements=st.floats(-1, 1),
    )
)
def test_normals_are_read_back_within_a_degree(tmp_path, vectors):
    length = np.linalg.norm(vectors, axis=2, keepdims=True)
    there = length > 1e-3
    normals = np.where(there, vectors / np.maximum(length, 1e-3), 0)
    read = read_normals(write_normals(tmp_path / "n.png", normals))
    assert read.dtype == np.float32
    assert not read[~there[..., 0]].any()
    assert np.allclose(np.linalg.norm(read, axis=2), there[..., 0], atol=1e-6)
    apart = np.linalg.norm(read - normals, axis=2).max(initial=0)
    assert apart < np.radians(1)


def test_no_normal_is_written_as_128_and_several_greys_are_none(tmp_path):
    write_normals(tmp_path / "n.png", np.zeros((1, 1, 3)))
    assert read_png(tmp_path / "n.png").tolist() == [[[128, 128, 128]]]
    greys = np.array([[[128] * 3, [127] * 3, [0] * 3, [255, 128, 128]]], np.uint8)
    read = read_normals(write_png(tmp_path / "m.png", greys))
    assert not read[0, :3].any()
    assert read[0, 3] == pytest.approx([1, 0, 0], abs=0.005)


@pytest.mark.parametrize("vector", [[0, 0, 1.02], [0, 0, 0.5], [np.nan, 0, 0], [1e-9, 0, 0]])
def test_vectors_that_are_no_normals_are_not_written(tmp_path, vector):
    with pytest.raises(DomainError, match=r"n\.png: a normal has length"):
        write_normals(tmp_path / "n.png", np.array([[[0, 0, 1], vector]]))


def test_pngs_are_read_as_they_were_written(tmp_path):
    random = np.random.default_rng(0)
    for shape in ((4, 5), (4, 5, 3)):
        array = random.integers(0, 256, shape, np.uint8)
        assert np.array_equal(read_png(write_png(tmp_path / "deep" / "a.png", array)), array)


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.zeros((2, 2, 4), np.uint8)])
def test_a_png_of_another_type_or_shape_is_a_bug(tmp_path, array):
    with pytest.raises(ValueError, match="expected uint8"):
        write_png(tmp_path / "a.png", array)


def test_a_16_bit_png_is_no_8_bit_png(tmp_path):
    write_depth(tmp_path / "d.png", np.ones((2, 2)), "uint16/256")
    with pytest.raises(DomainError, match="mode I;16, not three channels of 8 bits"):
        read_png(tmp_path / "d.png")


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("depth", "uint16"),
        ("depth", "uint16/0"),
        ("depth", "uint16/-1"),
        ("depth", "rgb24"),
        ("semantic", "rgb"),
        ("normals", "rgb16"),
    ],
)
def test_unknown_encodings_are_refused_with_the_known_ones(kind, encoding):
    with pytest.raises(DomainError, match=f"{kind} encoding '{encoding}'.*known"):
        check_encoding(kind, encoding)


def test_a_fraction_of_steps_a_metre_is_an_encoding():
    assert check_encoding("depth", "uint16/0.5") == "uint16/0.5"
