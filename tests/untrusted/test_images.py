"""Images and label arrays from strangers; damaged and torn ones: tests/domains/test_pictures.py."""

import struct
import zlib

import numpy as np
import pytest

from atdt.domains import open_domain
from atdt.domains.encodings import read_depth, read_png, read_predicted_depth
from atdt.domains.pictures import image_size, read_channels, read_image, read_numbers
from atdt.errors import UserError
from atdt.tasks.files import read_map


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth=8, colour=2, *extra):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", zlib.compress(bytes(10**6)))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


BOMBS = {
    "wide": png(2**31 - 1, 1),
    "large": png(60_000, 60_000),
    "warned of": png(12_000, 12_000),
    "text": png(4, 4, 8, 2, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**27)))),
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("read", [read_image, image_size, read_numbers, read_channels, read_png])
def test_an_image_that_expands_is_refused_or_read_without_what_expands(
    tmp_path, frugal, bomb, read
):
    (tmp_path / "bomb.png").write_bytes(BOMBS[bomb])
    with frugal():
        try:
            read(tmp_path / "bomb.png")
        except UserError as error:
            assert "bomb.png: " in str(error)
            assert "\n" not in str(error)
        else:
            assert bomb == "text"


def test_a_domain_names_the_image(tmp_path):
    (tmp_path / "bomb.png").write_bytes(BOMBS["large"])
    (tmp_path / "all.txt").write_text("bomb.png\n")
    (tmp_path / "domain.toml").write_text(
        'name = "x"\nlabel_space = "coarse4"\n[lists]\nall = "all.txt"\n'
    )
    with pytest.raises(UserError, match=r"bomb\.png"):
        open_domain(tmp_path).image(0)


READERS = [lambda path: read_depth(path, "npy"), read_predicted_depth, read_map]


@pytest.mark.parametrize("read", READERS)
def test_an_array_of_objects_is_not_unpickled(tmp_path, canary, read):
    np.save(tmp_path / "d.npy", np.array([[canary]], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"d\.npy: "):
        read(tmp_path / "d.npy")
    assert not canary.path.exists()


@pytest.mark.parametrize("shape", ["(1000000, 1000000)", "(9999999999, 9999999999)", "(-1, 5)"])
@pytest.mark.parametrize("read", READERS)
def test_a_header_that_claims_terabytes_takes_no_memory(tmp_path, frugal, read, shape):
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    magic = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head))
    (tmp_path / "d.npy").write_bytes(magic + head.encode() + bytes(64))
    with frugal(), pytest.raises(UserError, match=r"d\.npy: "):
        read(tmp_path / "d.npy")


@pytest.mark.parametrize(
    "head", ["__import__('os').mkdir('ran')", "(" * 5000, "[" * 9000 + "]" * 9000]
)
@pytest.mark.parametrize("read", READERS)
def test_a_header_is_no_program(tmp_path, monkeypatch, read, head):
    monkeypatch.chdir(tmp_path)
    text = (head + "\n").encode()
    (tmp_path / "d.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)
    with pytest.raises(UserError, match=r"d\.npy: "):
        read(tmp_path / "d.npy")
    assert not (tmp_path / "ran").exists()
