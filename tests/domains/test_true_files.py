"""True files of each format, where a folder of them is named by ATDT_FORMATS; else files made here.

ATDT_CAMVID names SegNet's copy of CamVid likewise.

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
from atdt.domains.datasets import check_dataset
from atdt.domains.encodings import read_depth, read_normals
from atdt.domains.label_table import label_table
from atdt.domains.pictures import read_image
from atdt.domains.semantic_files import read_ids
from tests.made_datasets import lacking

VARIABLE, CAMVID = "ATDT_FORMATS", "ATDT_CAMVID"
SHAPE = (24, 32)
CITYSCAPES = Camera(focal=2262.52, baseline=0.209313)
KITTI = Camera(focal=721.5377, baseline=0.5327)


@pytest.fixture
def files(tmp_path):
    """`files(pattern, make)`: all true files or, without a folder of them, what `make` writes."""

    def find(pattern, make):
        folder = os.environ.get(VARIABLE)
        if folder:
            paths = sorted(Path(folder).glob(pattern))
            assert paths, f"{VARIABLE} names a folder without {pattern}"
            return paths
        path = tmp_path / pattern.replace("*", "0")
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path)
        return [path]

    return find


@pytest.fixture
def file(files):
    """`file(path, make)`: the one true file, or what `make` writes."""

    def find(path, make):
        (only,) = files(path, make)
        return only

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


DEPTHS = {  # files: encoding, camera, how one is made, metres from and to, share without depth
    "drsleep_nyu_kitti/ExpNYUD_*/depth_gt_*.png": (
        "uint16/5000", None, png(numbers(7500, 29500, 0, 0.35)), (1.4, 6.0), (0.3, 0.4),
    ),
    "nyu2_mini_test/depth_*.png": (
        "uint16/1000", None, png(numbers(900, 10000, 0, 0.0)), (0.8, 10.1), (0.0, 0.0),
    ),
    "metric3d_nyu/depth/*.png": (
        "uint16*0.001", None, png(numbers(700, 8300, 0, 0.3)), (0.6, 8.4), (0.2, 0.4),
    ),
    "metric3d_kitti/depth/*.png": (
        "uint16/256", None, png(numbers(1306, 21700, 0, 0.8)), (5.0, 85.0), (0.75, 0.85),
    ),
    "kitti2015_devkit/disp_gt.png": (  # 4.7 to 115.9 pixels
        "disparity/256", KITTI, png(numbers(1204, 29670, 0, 0.76)), (3.2, 82.5), (0.7, 0.8),
    ),
    "citynthesizer/*_disparity.png": (
        "disparity-cityscapes", CITYSCAPES, png(numbers(200, 30000, 0, 0.05)),
        (1.0, 130000), (0.0, 0.2),
    ),
    "open3d_rgbd/depth/*.png": (
        "uint16/1000", None, png(numbers(1000, 2700, 0, 0.13)), (0.9, 2.8), (0.1, 0.15),
    ),
    "open3d_rgbd/other_formats/NYU_depth.pgm": (
        "nyu-raw", None, swapped_pgm(numbers(839, 1050, 2047, 0.07)), (1.3, 15.0), (0.05, 0.1),
    ),
    "open3d_rgbd/other_formats/SUN_depth.png": (
        "sunrgbd", None, png(rotated(numbers(1060, 9870, 0, 0.18))), (1.0, 9.9), (0.15, 0.2),
    ),
    "sunrgbd/*/depth/*.png": (
        "sunrgbd", None, png(rotated(numbers(650, 3780, 0, 0.2))), (0.6, 3.8), (0.1, 0.35),
    ),
    "sunrgbd/*/depth_bfx/*.png": (
        "sunrgbd", None, png(rotated(numbers(650, 3780, 0, 0.0))), (0.6, 3.8), (0.0, 0.0),
    ),
    "open3d_rgbd/other_formats/TUM_depth.png": (
        "uint16/5000", None, png(numbers(7300, 46650, 0, 0.19)), (1.4, 9.4), (0.15, 0.25),
    ),
}  # fmt: skip


@pytest.mark.parametrize("pattern", DEPTHS)
def test_depth_is_metres_within_the_range_that_was_measured(files, pattern):
    encoding, camera, make, (near, far), (least, most) = DEPTHS[pattern]
    for path in files(pattern, make):
        metres = read_depth(path, encoding, *([camera] if camera else []))
        there = metres > 0
        assert near <= metres[there].min() <= metres[there].max() <= far
        assert least <= 1 - there.mean() <= most
        assert metres.dtype == np.float32


def ids(count, *others):
    random = np.random.default_rng(1)
    return random.choice(np.array([*range(count), *others], np.uint8), SHAPE)


GREYS = bytes(k // 3 for k in range(768))


def palette(array, of=GREYS):
    def make(path):
        picture = Image.fromarray(array).convert("P")
        picture.putpalette(of)
        picture.putdata(array.ravel().tolist())
        picture.save(path)

    return make


def colours(space):
    chosen = np.array(label_space(space).colours, np.uint8)
    return png(chosen[ids(min(len(chosen), 7))])


LABELS = {  # files: encoding, table or space, how one is made
    "citynthesizer/*_gtFine_labelIds.png": (
        "ids", "cityscapes34-to-shared11", png(ids(27)),
    ),
    "carla_lyft/*/CameraSeg/*.png": (
        "red", "carla13-to-shared11", png(np.stack([ids(13), 0 * ids(13), 0 * ids(13)], axis=2)),
    ),
    "carla_nikos/Segmentation_Images/*.png": (
        "colours", "carla13-to-shared11", colours("carla13"),
    ),
    "carla_idmasks/*/*.png": ("ids", "carla23-to-shared11", png(ids(21))),
    "drsleep_nyu_kitti/ExpKITTI_joint/segm_gt_*.png": (
        "colours", "kitti-camvid7-to-shared11", colours("kitti-camvid7"),
    ),
    "drsleep_nyu_kitti/ExpNYUD_*/segm_gt_*.png": ("ids", "nyu40", png(ids(40, 255))),
    "lwrefinenet_voc_context_nyu/NYU/*_mask.png": ("ids", "nyu40", palette(ids(40, 255))),
    "lwrefinenet_voc_context_nyu/VOC/*.png": ("ids", "voc21", palette(ids(21, 255))),
    "lwrefinenet_voc_context_nyu/Person/*.png": ("ids", "person-parts7", palette(ids(7))),
    "lwrefinenet_voc_context_nyu/Context/*.png": (
        "colours", "pascal-context60", colours("pascal-context60"),
    ),
    "sunrgbd/semseg-label37/*/*.png": ("ids", "sunrgbd37", png(ids(37, 255))),
}  # fmt: skip


@pytest.mark.parametrize("pattern", LABELS)
def test_every_id_of_a_label_file_is_a_class(files, pattern):
    encoding, name, make = LABELS[pattern]
    table = label_table(name) if "-to-" in name else None
    space = table.files if table else label_space(name)
    for path in files(pattern, make):
        raw = read_ids(path, encoding, space)
        assert set(np.unique(raw)) <= {*range(len(space.classes)), 255}
        assert len(np.unique(raw)) > 1
        if table:
            mapped = table.label_map.apply(raw)
            assert ((mapped < len(table.to.classes)) | (mapped == 255)).all()
            assert (mapped != 255).mean() > 0.3


def test_cityscapes_colours_and_ids_become_the_same_classes(files):
    space = label_space("cityscapes34")
    drawn = ids(space.classes.index("polegroup"))  # in colours it is a pole
    made = np.array(space.colours, np.uint8)[drawn]
    of_ids = files("citynthesizer/*_gtFine_labelIds.png", png(drawn))
    of_colours = files("citynthesizer/*_gtFine_color.png", png(made))
    assert len(of_ids) == len(of_colours)
    by_id, by_colour = map(
        label_table, ("cityscapes34-to-shared11", "cityscapes34-to-shared11-by-colour")
    )
    for one, other in zip(of_ids, of_colours, strict=True):
        assert one.name.partition("_gtFine_")[0] == other.name.partition("_gtFine_")[0]
        expected = by_id.label_map.apply(read_ids(one, "ids", space))
        coloured = read_ids(other, "colours", space)
        assert np.array_equal(by_colour.label_map.apply(coloured), expected)


def test_vocs_palette_and_its_colours_are_the_same_ids(files, tmp_path):
    space = label_space("voc21")
    colour_map = np.zeros((256, 3), np.uint8)
    colour_map[:21], colour_map[255] = space.colours, (224, 224, 192)
    pattern = "lwrefinenet_voc_context_nyu/VOC/*.png"
    for path in files(pattern, palette(ids(21, 255), colour_map.tobytes())):
        expected = read_ids(path, "ids", None)
        assert (expected == 255).any()
        with Image.open(path) as picture:
            picture.convert("RGB").save(tmp_path / "coloured.png")
        for coloured in (tmp_path / "coloured.png", path):
            assert np.array_equal(read_ids(coloured, "colours", space), expected)


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


def test_scenes_of_sun_rgbd_are_a_data_set(files):
    def make(intrinsics):
        scene = intrinsics.parent
        for name, picture in (
            ("image/0.jpg", np.zeros((*SHAPE, 3), np.uint8)),
            ("depth_bfx/0.png", rotated(numbers(650, 3780, 0, 0.0))),
        ):
            (scene / name).parent.mkdir()
            Image.fromarray(picture).save(scene / name)
        intrinsics.write_text("520.532 0 277.9258\n0 520.7444 215.115\n0 0 1\n")

    scenes = files("sunrgbd/*/intrinsics.txt", make)
    checked = check_dataset("sunrgbd", scenes[0].parents[1], files=None)
    assert checked.wrong is None
    for column in ("image", "depth", "camera"):
        assert checked.found.count("all", column) == len(scenes) == checked.opened["all"]
    assert [line.partition(":")[0] for line in lacking(checked)] == ["no semantic label at all"]


def test_camvid_is_a_data_set(tmp_path):
    root = Path(os.environ.get(CAMVID) or tmp_path)
    if root == tmp_path:
        for folder, picture in (("val", np.zeros((*SHAPE, 3), np.uint8)), ("valannot", ids(12))):
            (root / folder).mkdir()
            Image.fromarray(picture).save(root / folder / "0.png")
    checked = check_dataset("camvid", root)
    assert checked.wrong is None
    absent = [split for split in ("train", "val", "test") if split not in checked.found.splits]
    assert absent and lacking(checked) == [f"{split}: no image at all" for split in absent]
    assert checked.opened["val"] > 0
    assert any("10 of 11 classes of shared11 (not wall)" in fact for fact in checked.facts["val"])
