"""Is a data set whole, and do its files mean what its layout says? What is odd is said."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from atdt.domains import open_domain
from atdt.domains.datasets import Describing, check_dataset, describe, layout
from atdt.domains.datasets.describe import missing_of
from atdt.domains.datasets.find import find
from atdt.domains.encodings import write_depth, write_png
from atdt.errors import DomainError
from tests.made_datasets import SIZE, lacking


def test_how_many_images_of_the_whole_are_there_is_said(make_dataset):
    root = make_dataset("cityscapes")
    assert check_dataset("cityscapes", root).missing == [
        "train: 2973 of the 2975 images that the whole data set has (2 are there)",
        "val: 498 of the 500 images that the whole data set has (2 are there)",
        "test: 1523 of the 1525 images that the whole data set has (2 are there)",
    ]


def test_names_in_a_list_without_an_image_are_counted(make_dataset, tmp_path):
    root = make_dataset("voc2012")
    with (root / "ImageSets/Segmentation/val.txt").open("a") as listed:
        listed.write("2007_000033\n2007_000032\n")
    checked = check_dataset("voc2012", root)
    line = (
        "val: 2 of the 4 names in ImageSets/Segmentation/val.txt have no image, the first: "
        "2007_000032"
    )
    assert checked.wrong is None and lacking(checked) == [line]
    assert line in missing_of(describe(Describing("voc2012", root, tmp_path / "own")))


def test_an_image_in_two_splits_is_refused(make_dataset):
    root = make_dataset("voc2012")
    with (root / "ImageSets/Segmentation/train.txt").open("a") as listed:
        listed.write("val_1\n")
    where = r"JPEGImages/val_1\.jpg: is in the splits train and val, of which .*Segmentation/train"
    with pytest.raises(DomainError, match=where):
        check_dataset("voc2012", root)
    with pytest.raises(DomainError, match=where):
        find(layout("voc2012"), root)


def test_a_list_may_have_a_mark_at_its_head_and_remarks(make_dataset):
    root = make_dataset("voc2012")
    listed = root / "ImageSets/Segmentation/val.txt"
    listed.write_text("\ufeff" + listed.read_text().replace("\n", " 1\r\n") + "# the end\n\n")
    checked = check_dataset("voc2012", root)
    assert checked.found.count("val", "image") == 2 and lacking(checked) == []
    listed.write_text("val_0\nJPEGImages/val_1.jpg\n")
    (line,) = lacking(check_dataset("voc2012", root))
    assert line.endswith("JPEGImages/val_1.jpg (names stand without folder and ending)")


def test_a_drive_of_kitti_in_both_parts_is_refused_and_both_are_named(make_dataset):
    root = make_dataset("kitti-raw")
    drive = next(root.glob("train/*/proj_depth"))
    shutil.copytree(drive, root / "val" / drive.relative_to(root / "train"))
    where = f"train/{drive.parent.name}/proj_depth, val/{drive.parent.name}/proj_depth"
    with pytest.raises(DomainError, match=rf"is in the splits train and val, .*\({where}\)"):
        find(layout("kitti-raw"), root)


def test_the_depth_benchmark_says_which_drives_of_kitti_are_train_and_val(make_dataset):
    root = make_dataset("kitti-raw")
    found = find(layout("kitti-raw"), root)
    for split in ("train", "val"):
        dates = {row[0].split("/")[0] for row in found.splits[split]}
        assert dates == {f"{split}-date0", f"{split}-date1"}
    assert len(found.splits["all"]) == 6


def test_what_some_images_lack_is_said_by_describe_too(make_dataset, tmp_path):
    root = make_dataset("cityscapes")
    next(root.glob("gtFine/val/*/*_labelIds.png")).unlink()
    lines = missing_of(describe(Describing("cityscapes", root, tmp_path / "own")))
    assert any(
        line.startswith("val: 1 of 2 images have no semantic label, the first: leftImg8bit/val/")
        for line in lines
    )


def test_sky_that_depth_would_tell_is_said_to_be_ignored_without_it(make_dataset):
    root = make_dataset("carla", "tags13")
    for folder in root.glob("*/CameraDepth"):
        shutil.rmtree(folder)
    (line,) = lacking(check_dataset("carla", root, "tags13"))
    assert line.startswith("no depth at all: nothing is called {episode}/CameraDepth/")
    assert line.endswith("; sky, which these labels tell by it, is ignored")


def test_an_image_without_the_depth_that_its_labels_need_is_named(make_dataset):
    root = make_dataset("carla", "tags13")
    path = sorted(root.glob("*/CameraDepth/*"))[0]
    path.unlink()
    image = path.relative_to(root).as_posix().replace("CameraDepth", "CameraRGB")
    assert check_dataset("carla", root, "tags13").wrong == (
        f"train: {image}: has no depth, by which its labels tell sky"
    )


def doubts_of(what, *dataset):
    """Of the labels there may be others: ids are drawn at random."""
    return [line for line in check_dataset(*dataset).doubts if what in line]


@pytest.mark.parametrize(
    ("name", "column"), [("cityscapes", "u0"), ("kitti-2015", "P_rect_02")], ids=str
)
def test_a_camera_of_a_larger_image_is_doubted(make_dataset, name, column):
    root = make_dataset(name)
    assert doubts_of("camera", name, root) == []
    for path in root.glob("**/*"):
        if path.suffix == ".json":
            content = json.loads(path.read_text())
            content["intrinsic"][column] = 17.1  # of an image of 32 columns
            path.write_text(json.dumps(content))
        elif path.suffix == ".txt" and column in path.read_text():
            rows = path.read_text().splitlines()
            left = next(k for k, row in enumerate(rows) if row.startswith(column))
            numbers = rows[left].split()
            rows[left] = " ".join([*numbers[:3], "17.1", *numbers[4:]])
            path.write_text("\n".join(rows))
    doubts = doubts_of("camera", name, root)
    assert [doubt.split(": ")[0] for doubt in doubts] == list(layout(name).splits), doubts
    said = "centre is at column 17.1, the image is 16 wide: was it resized"
    assert all(said in doubt for doubt in doubts)


def test_a_right_image_of_another_size_is_wrong(make_dataset):
    root = make_dataset("kitti-2015")
    path = sorted(root.glob("training/image_3/*"))[0]
    write_png(path, np.zeros((12, 15, 3), np.uint8))
    wrong = check_dataset("kitti-2015", root).wrong
    assert f"{path}: is 12x15, but training/image_2/" in wrong and "is 12x16" in wrong


def far_and_near(root):
    """Depth of a street in all files: from 4 to 40 m, with sky between leaves, and some unknown."""
    metres = np.tile(np.linspace(4.0, 40.0, SIZE[1]), (SIZE[0], 1))
    metres[:4, ::3], metres[5] = 1000.0, 0.0
    for path in root.glob("*/CameraDepth/*"):
        write_depth(path, metres, "rgb24-1000m")


def test_depth_whose_bytes_are_swapped_or_grey_is_doubted(make_dataset):
    root = make_dataset("carla", "tags23")
    far_and_near(root)
    assert doubts_of("depth", "carla", root, "tags23") == []
    for path in root.glob("*/CameraDepth/*"):
        with Image.open(path) as picture:
            write_png(path, np.array(picture)[:, :, ::-1])
    doubts = doubts_of("depth", "carla", root, "tags23")
    assert len(doubts) == 3 and all("channels swapped (BGR for RGB)?" in line for line in doubts)
    for path in root.glob("*/CameraDepth/*"):
        write_png(path, np.full((*SIZE, 3), 59, np.uint8))
    doubts = doubts_of("depth", "carla", root, "tags23")
    assert len(doubts) == 3 and all("depth is grey" in line for line in doubts)


def test_a_file_without_any_depth_is_not_grey(make_dataset):
    root = make_dataset("carla", "tags23")
    far_and_near(root)
    for path in sorted(root.glob("*/CameraDepth/*"))[::2]:
        pixels = np.zeros((*SIZE, 3), np.uint8)
        pixels[0] = 255
        write_png(path, pixels)
    assert doubts_of("depth", "carla", root, "tags23") == []


def test_depth_without_a_pixel_is_told_without_a_number(make_dataset):
    root = make_dataset("carla", "tags23")
    for path in root.glob("*/CameraDepth/*"):
        write_png(path, np.zeros((*SIZE, 3), np.uint8))
    checked = check_dataset("carla", root, "tags23")
    assert "no pixel of 2 depth files has depth" in checked.wrong
    assert "depth in 0.0% of pixels" in checked.facts["train"]


def test_synthias_depth_is_of_1000_metres(make_dataset, tmp_path):
    root = make_dataset("synthia-sf")
    far = np.full((*SIZE, 3), 255, np.uint8)
    for path in root.glob("SEQ3/DepthLeft/*"):
        write_png(path, far)
    spec = describe(Describing("synthia-sf", root, tmp_path / "own")).parent
    assert (open_domain(f"{spec}:val").label(0, "depth") == 1000).all()
