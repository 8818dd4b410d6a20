"""Image files of every mode, and damaged ones: an array or a DomainError, nothing else."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from atdt.domains.pictures import image_size, read_channels, read_image, read_numbers
from atdt.errors import DomainError

RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (6, 9, 3), np.uint8)
GREY = RGB[:, :, 0]
ALPHA = RANDOM.integers(0, 256, (6, 9, 1), np.uint8)


def paletted(transparency=None) -> Image.Image:
    picture = Image.fromarray((GREY % 4).astype(np.uint8), "L").convert("P")
    picture.putdata((GREY % 4).ravel().tolist())
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3])
    if transparency is not None:
        picture.info["transparency"] = transparency
    return picture


def test_colour_images(tmp_path):
    for name in ("a.png", "a.bmp", "a.ppm", "a.tiff"):
        Image.fromarray(RGB).save(tmp_path / name)
        read = read_image(tmp_path / name)
        assert np.array_equal(read, RGB)
        assert read.flags.writeable
        assert image_size(tmp_path / name) == (6, 9)


def test_alpha_is_dropped_not_blended(tmp_path):
    Image.fromarray(np.concatenate([RGB, ALPHA], axis=2)).save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png"), RGB)
    assert np.array_equal(read_channels(tmp_path / "a.png"), RGB)


def test_grey_images_become_rgb(tmp_path):
    for name, array in {
        "8.png": GREY,
        "la.png": np.concatenate([GREY[:, :, None], ALPHA], axis=2),
        "16.png": GREY.astype(np.uint16) << 8 | 37,
    }.items():
        Image.fromarray(array).save(tmp_path / name)
        assert np.array_equal(read_image(tmp_path / name), np.repeat(GREY[:, :, None], 3, 2)), name


@pytest.mark.parametrize("transparency", [None, 1, bytes([0, 100, 255, 3])])
def test_palettes_are_colours_in_images_and_indices_in_labels(tmp_path, transparency):
    path = tmp_path / "p.png"
    paletted(transparency).save(path)
    colours = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90], [1, 2, 3]], np.uint8)
    assert np.array_equal(read_image(path), colours[GREY % 4])
    assert np.array_equal(read_numbers(path), GREY % 4)
    with pytest.raises(DomainError, match="mode P, not three channels"):
        read_channels(path)


def test_numbers_of_8_and_16_bits(tmp_path):
    deep = RANDOM.integers(0, 2**16, (6, 9)).astype(np.uint16)
    for name, array in {"8.png": GREY, "16.png": deep, "16.pgm": deep, "16.tiff": deep}.items():
        Image.fromarray(array).save(tmp_path / name)
        read = read_numbers(tmp_path / name)
        assert np.array_equal(read, array), name
        assert read.dtype == array.dtype


def _png(bits: int, colour: int, row: bytes, width: int) -> bytes:
    """A PNG of one row; Pillow itself writes none of fewer bits than 8, nor colours of 16."""
    header = struct.pack(">IIBBBBB", width, 1, bits, colour, 0, 0, 0)
    blocks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in blocks
    )


def _tiff(bits: int, shown: int, row: bytes, width: int = 1, channels: int = 1) -> bytes:
    """A TIFF of one row, not compressed; `shown` 0 means that white is 0, 1 black, 2 RGB."""
    entries = ((256, width), (257, 1), (258, bits), (259, 1), (262, shown), (277, channels))
    entries += ((278, 1), (279, len(row)), (273, 8 + 2 + 9 * 12 + 4 + 2 * channels))
    kinds = {258: (3, channels)} if channels > 1 else {}
    made = b""
    for tag, value in sorted(entries):
        kind, count = kinds.get(tag, (4, 1))
        value = 8 + 2 + 9 * 12 + 4 if count > 1 else value
        made += struct.pack("<HHII", tag, kind, count, value)
    depths = struct.pack(f"<{channels}H", *[bits] * channels)
    return b"II*\0" + struct.pack("<IH", 8, 9) + made + struct.pack("<I", 0) + depths + row


def test_grey_whose_white_is_0_is_refused(tmp_path):
    (tmp_path / "labels").write_bytes(_tiff(8, 0, b"\x01\x02", width=2))
    with pytest.raises(DomainError, match=r"labels: is grey stored as L;I; convert it"):
        read_numbers(tmp_path / "labels")


@pytest.mark.parametrize(
    ("content", "numbers"),
    [
        (_png(4, 0, b"\x12\xf0", 4), [1, 2, 15, 0]),
        (_png(2, 0, b"\x1b", 4), [0, 1, 2, 3]),
        (_tiff(4, 1, b"\x12", width=2), [1, 2]),
        (b"P5 2 1 40\n\x01\x28", [1, 40]),
        (b"P2 2 1 40\n1 40\n", [1, 40]),
        (b"P5 3 1 10000\n\x00\x01\x27\x0f\x27\x10", [1, 9999, 10000]),
    ],
)
def test_numbers_are_those_of_the_file_whatever_their_bits_and_their_most(
    tmp_path, content, numbers
):
    (tmp_path / "labels").write_bytes(content)
    assert read_numbers(tmp_path / "labels").tolist() == [numbers]


@pytest.mark.parametrize(
    "content",
    [
        _png(16, 2, bytes(6), 1),
        _png(16, 6, bytes(8), 1),
        b"P6 1 1 40\n\1\2\3",
        b"P6 1 1 65535\n" + bytes(6),
        b"P3 1 1 65535\n1 2 3\n",
        _tiff(16, 2, bytes(6), channels=3),
    ],
    ids=["rgb", "rgba", "ppm", "deep ppm", "plain ppm", "tiff"],
)
def test_channels_that_are_not_of_8_bits_are_refused(tmp_path, content):
    (tmp_path / "depth").write_bytes(content)
    with pytest.raises(DomainError, match=r"depth: has three channels, but not of 8 bits"):
        read_channels(tmp_path / "depth")


def test_plain_channels_of_8_bits_are_read(tmp_path):
    (tmp_path / "depth").write_bytes(b"P3 1 1 255\n1 2 40\n")
    assert read_channels(tmp_path / "depth").tolist() == [[[1, 2, 40]]]


def test_numbers_in_several_channels_or_beyond_16_bits_are_refused(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "rgb.png")
    with pytest.raises(DomainError, match=r"rgb\.png: has mode RGB, not one channel"):
        read_numbers(tmp_path / "rgb.png")
    Image.fromarray(GREY.astype(np.int32) - 300).save(tmp_path / "i.tiff")
    with pytest.raises(DomainError, match="not 16-bit numbers"):
        read_numbers(tmp_path / "i.tiff")
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "f.tiff")
    with pytest.raises(DomainError, match="no 8-bit colours"):
        read_image(tmp_path / "f.tiff")


def test_absent_files_folders_and_other_formats(tmp_path):
    with pytest.raises(DomainError, match=r"none\.png: no such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(DomainError, match="does not decode"):
        read_image(tmp_path)
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(DomainError, match=r"text\.png: does not decode as an image"):
        image_size(tmp_path / "text.png")
    Image.fromarray(RGB).save(tmp_path / "a.gif")  # only the formats that are named are tried
    with pytest.raises(DomainError, match=r"a\.gif: does not decode"):
        read_image(tmp_path / "a.gif")


@pytest.mark.parametrize("side", [12, 40])  # Pillow warns of the first and refuses the second
def test_decompression_bombs_are_refused(tmp_path, monkeypatch, side):
    Image.new("L", (side, side)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        for action in ("error", "ignore"):
            warnings.simplefilter(action, Image.DecompressionBombWarning)
            for read in (read_image, image_size, read_numbers):
                with pytest.raises(DomainError, match=r"bomb\.png: more than 100 pixels"):
                    read(tmp_path / "bomb.png")


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    noise = RANDOM.integers(0, 256, (24, 32, 3), np.uint8)
    Image.fromarray(noise).save(buffer, format=kind)
    return buffer.getvalue()


WHOLE = {kind: encoded(kind) for kind in ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM")}


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of metadata cut short
@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_truncated_files_are_errors(tmp_path, kind):
    path = tmp_path / "torn"
    for part in (0, 1, 10, 40, len(WHOLE[kind]) // 2, len(WHOLE[kind]) * 3 // 4):
        path.write_bytes(WHOLE[kind][:part])
        with pytest.raises(DomainError, match="torn: does not decode"):
            read_image(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    kind=st.sampled_from(sorted(WHOLE)),
    place=st.floats(0, 1, exclude_max=True),
    head=st.booleans(),
    value=st.integers(0, 255),
)
def test_damaged_files_decode_or_are_errors(tmp_path, kind, place, head, value):
    damaged = bytearray(WHOLE[kind])
    damaged[int(place * (min(200, len(damaged)) if head else len(damaged)))] = value
    path = tmp_path / "damaged"
    path.write_bytes(damaged)
    for read in (read_image, read_numbers, read_channels, image_size):
        try:
            read(path)
        except DomainError as error:
            assert str(path) in str(error)
