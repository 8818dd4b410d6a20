"""True files of each format, where a folder of them is named by ATDT_FORMATS; else files made here.

The files made here are written from the documented formulas with NumPy and Pillow alone, by none
of the package's writers, so that reading them says the same about the readers either way.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atdt.domains import label_space
from atdt.domains.cameras import Camera, read_camera
from atdt.domains.encodings import read_depth, read_normals
from atdt.domains.label_table import label_table
from atdt.domains.pictures import read_image
from atdt.domains.semantic_files import read_ids

VARIABLE = "ATDT_FORMATS"
SHAPE = (24, 32)
CITYSCAPES = Camera(focal=2262.52, baseline=0.209313)
KITTI = Camera(focal=721.5377, baseline=0.5327)


@pytest.fixture
def file(tmp_path):
    """`file(path, make)`: the true file or, without a folder of them, what `make` writes."""

    def find(relative, make):
        folder = os.environ.get(VARIABLE)
        if folder:
            path = Path(folder) / relative
            assert path.is_file(), f"{VARIABLE} names a folder without {relative}"
            return path
        path = tmp_path / Path(relative).name
        make(path)
        return path

    return find


def numbers(low, high, none, share):
    """uint16 of a depth map: from `low` to `high`, and a share of `none`."""
    random = np.random.default_rng(0)
    drawn = random.integers(low, high + 1, SHAPE)
    drawn[0, :2] = low, high
    missing = random.random(SHAPE) < share
    missing[0, :2] = False
    return np.where(missing, none, drawn).astype(np.uint16)


def png(array):
    return lambda path: Image.fromarray(array).save(path)


def rotated(array):
    wide = array.astype(np.uint32)
    return ((wide << 3 | wide >> 13) & 0xFFFF).astype(np.uint16)


def swapped_pgm(array):
    header = f"P5\n{array.shape[1]} {array.shape[0]}\n65535\n".encode()
    return lambda path: path.write_bytes(header + array.astype("<u2").tobytes())


DEPTHS = {  # file: encoding, camera, how it is made, metres from and to, share without depth
    "drsleep_nyu_kitti/ExpNYUD_three/depth_gt_000433.png": (
        "uint16/5000", None, png(numbers(7500, 29500, 0, 0.35)), (1.4, 6.0), (0.3, 0.4),
    ),
    "nyu2_mini_test/depth_0.png": (
        "uint16/1000", None, png(numbers(900, 10000, 0, 0.0)), (0.8, 10.1), (0.0, 0.0),
    ),
    "metric3d_nyu/depth/sync_depth_00000.png": (
        "uint16*0.001", None, png(numbers(700, 8300, 0, 0.3)), (0.6, 8.4), (0.2, 0.4),
    ),
    "metric3d_kitti/depth/0000000005.png": (
        "uint16/256", None, png(numbers(1306, 21700, 0, 0.8)), (5.0, 85.0), (0.75, 0.85),
    ),
    "kitti2015_devkit/disp_gt.png": (  # 4.7 to 115.9 pixels
        "disparity/256", KITTI, png(numbers(1204, 29670, 0, 0.76)), (3.2, 82.5), (0.7, 0.8),
    ),
    "citynthesizer/scenecity_000045_000010_disparity.png": (
        "disparity-cityscapes", CITYSCAPES, png(numbers(200, 30000, 0, 0.05)),
        (1.0, 130000), (0.0, 0.2),
    ),
    "open3d_rgbd/depth/00000.png": (
        "uint16/1000", None, png(numbers(1000, 2700, 0, 0.13)), (0.9, 2.8), (0.1, 0.15),
    ),
    "open3d_rgbd/other_formats/NYU_depth.pgm": (
        "nyu-raw", None, swapped_pgm(numbers(839, 1050, 2047, 0.07)), (1.3, 15.0), (0.05, 0.1),
    ),
    "open3d_rgbd/other_formats/SUN_depth.png": (
        "sunrgbd", None, png(rotated(numbers(1060, 9870, 0, 0.18))), (1.0, 9.9), (0.15, 0.2),
    ),
    "open3d_rgbd/other_formats/TUM_depth.png": (
        "uint16/5000", None, png(numbers(7300, 46650, 0, 0.19)), (1.4, 9.4), (0.15, 0.25),
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", DEPTHS)
def test_depth_is_metres_within_the_range_that_was_measured(file, path):
    encoding, camera, make, (near, far), (least, most) = DEPTHS[path]
    metres = read_depth(file(path, make), encoding, *([camera] if camera else []))
    there = metres > 0
    assert near <= metres[there].min() <= metres[there].max() <= far
    assert least <= 1 - there.mean() <= most
    assert metres.dtype == np.float32


def ids(count, *others):
    random = np.random.default_rng(1)
    return random.choice(np.array([*range(count), *others], np.uint8), SHAPE)


def palette(array):
    def make(path):
        picture = Image.fromarray(array).convert("P")
        picture.putpalette([k % 256 for k in range(768)])
        picture.putdata(array.ravel().tolist())
        picture.save(path)

    return make


def colours(space):
    chosen = np.array(label_space(space).colours, np.uint8)
    return png(chosen[ids(min(len(chosen), 7))])


LABELS = {  # file: encoding, table or space, how it is made
    "citynthesizer/scenecity_000045_000010_gtFine_labelIds.png": (
        "ids", "cityscapes34-to-shared11", png(ids(27)),
    ),
    "carla_lyft/train/CameraSeg/0.png": (
        "red", "carla13-to-shared11", png(np.stack([ids(13), 0 * ids(13), 0 * ids(13)], axis=2)),
    ),
    "carla_nikos/Segmentation_Images/00183310.png": (
        "colours", "carla13-to-shared11", colours("carla13"),
    ),
    "carla_idmasks/Town01/000000.png": ("ids", "carla23-to-shared11", png(ids(21))),
    "drsleep_nyu_kitti/ExpKITTI_joint/segm_gt_000099.png": (
        "colours", "kitti-camvid7-to-shared11", colours("kitti-camvid7"),
    ),
    "drsleep_nyu_kitti/ExpNYUD_three/segm_gt_000433.png": ("ids", "nyu40", png(ids(40, 255))),
    "lwrefinenet_voc_context_nyu/NYU/000834_mask.png": ("ids", "nyu40", palette(ids(40, 255))),
    "lwrefinenet_voc_context_nyu/VOC/2007_004189.png": ("ids", "voc21", palette(ids(21, 255))),
    "lwrefinenet_voc_context_nyu/Person/2008_002176.png": (
        "ids", "person-parts7", palette(ids(7)),
    ),
    "lwrefinenet_voc_context_nyu/Context/2008_008376.png": (
        "colours", "pascal-context60", colours("pascal-context60"),
    ),
    "sunrgbd/semseg-label37/train/00000001.png": ("ids", "sunrgbd37", png(ids(37, 255))),
}  # fmt: skip


@pytest.mark.parametrize("path", LABELS)
def test_every_id_of_a_label_file_is_a_class(file, path):
    encoding, name, make = LABELS[path]
    table = label_table(name) if "-to-" in name else None
    space = table.files if table else label_space(name)
    raw = read_ids(file(path, make), encoding, space)
    assert set(np.unique(raw)) <= {*range(len(space.classes)), 255}
    assert len(np.unique(raw)) > 2
    if table:
        mapped = table.label_map.apply(raw)
        assert ((mapped < len(table.to.classes)) | (mapped == 255)).all()
        assert (mapped != 255).mean() > 0.3


def test_normals_are_of_length_one_or_none(file):
    def make(path):
        random = np.random.default_rng(2)
        vectors = random.normal(size=(*SHAPE, 3))
        vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
        pixels = np.rint((vectors + 1) * 127.5).astype(np.uint8)
        pixels[random.random(SHAPE) < 0.22] = 127
        Image.fromarray(pixels).save(path)

    path = file("drsleep_nyu_kitti/ExpNYUD_three/norm_gt_000433.png", make)
    normals = read_normals(path)
    length = np.linalg.norm(normals, axis=2)
    none = length == 0
    assert 0.15 < none.mean() < 0.3
    assert np.abs(length[~none] - 1).max() < 1e-5


def test_a_depth_map_lies_on_its_image(file):
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    image = read_image(file("open3d_rgbd/other_formats/NYU_color.ppm", png(rgb)))
    depth = read_depth(
        file("open3d_rgbd/other_formats/NYU_depth.pgm", swapped_pgm(numbers(839, 1050, 2047, 0))),
        "nyu-raw",
    )
    assert image.shape[:2] == depth.shape


def test_suns_intrinsics(file):
    def make(path):
        path.write_text("520.532 0 277.9258\n0 520.7444 215.115\n0 0 1\n")

    assert read_camera(file("sunrgbd/img_0063/intrinsics.txt", make)).focal == 520.532
