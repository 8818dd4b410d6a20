"""Files named as their publishers name them, written out here and not taken from our layouts."""

from pathlib import Path

import pytest

from atdt.domains.datasets.find import find
from atdt.domains.datasets.layout import layout

OFFICIAL = {
    "cityscapes": {
        "split": "train",
        "image": "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png",
        "right": "rightImg8bit/train/aachen/aachen_000000_000019_rightImg8bit.png",
        "semantic": "gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png",
        "depth": "disparity/train/aachen/aachen_000000_000019_disparity.png",
        "camera": "camera/train/aachen/aachen_000000_000019_camera.json",
    },
    "kitti-2015": {
        "split": "train",
        "image": "training/image_2/000000_10.png",
        "right": "training/image_3/000000_10.png",
        "semantic": "training/semantic/000000_10.png",
        "depth": "training/disp_occ_0/000000_10.png",
        "camera": "training/calib_cam_to_cam/000000.txt",
    },
    "kitti-2012": {
        "split": "train",
        "image": "training/colored_0/000000_10.png",
        "right": "training/colored_1/000000_10.png",
        "depth": "training/disp_occ/000000_10.png",
        "camera": "training/calib/000000.txt",
    },
    "camvid": {
        "split": "val",
        "image": "val/0016E5_07959.png",
        "semantic": "valannot/0016E5_07959.png",
    },
    "voc2012": {
        "split": "val",
        "image": "JPEGImages/2007_000033.jpg",
        "semantic": "SegmentationClass/2007_000033.png",
    },
    "tum": {
        "split": "all",
        "image": "rgbd_dataset_freiburg1_xyz/rgb/1305031102.175304.png",
        "depth": "rgbd_dataset_freiburg1_xyz/depth/1305031102.160407.png",
    },
}
LISTS = {"voc2012": {"train": "", "val": "2007_000033\n"}}


@pytest.mark.parametrize("name", OFFICIAL)
def test_each_file_is_found_where_its_publisher_puts_it(name, tmp_path):
    files = dict(OFFICIAL[name])
    split = files.pop("split")
    for split_of_list, names in LISTS.get(name, {}).items():
        path = tmp_path / f"ImageSets/Segmentation/{split_of_list}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(names)
    for file in files.values():
        path: Path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    made = find(layout(name), tmp_path)
    (row,) = made.splits[split]
    assert dict(zip(made.columns, row, strict=True)) == files
