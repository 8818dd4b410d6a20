"""`atdt data`: what is known, and a folder held against it."""

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains import open_domain
from atdt.domains.encodings import write_png


def run(*arguments):
    return CliRunner().invoke(main, ["data", *map(str, arguments)])


@pytest.fixture
def camvid(tmp_path):
    root = tmp_path / "camvid"
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for number in range(3):
            write_png(root / f"{split}/{number}.png", random.integers(0, 256, (6, 8, 3), np.uint8))
            ids = random.integers(0, 12, (6, 8), np.uint8)
            write_png(root / f"{split}annot/{number}.png", ids)
    return root


def test_what_is_known_is_listed_and_one_of_it_shown():
    listed = run("list")
    assert listed.exit_code == 0
    for name in ("cityscapes", "kitti-2015", "carla", "synthia-sf", "nyuv2-npy", "voc2012"):
        assert name in listed.stdout
    shown = run("list", "cityscapes").stdout
    assert "leftImg8bit/{split}/{city}/{frame}_leftImg8bit.png" in shown
    assert "cityscapes19-to-shared11" in shown and "disparity-cityscapes" in shown


def test_a_whole_folder_is_counted_and_described(camvid, tmp_path):
    done = run("check", "camvid", camvid)
    assert done.exit_code == 0, done.output
    assert "images 6x8" in done.stdout and "of 11 classes of shared11" in done.stdout
    made = run("describe", "camvid", camvid, "--out", tmp_path / "own")
    assert made.exit_code == 0 and made.stdout.strip() == str(tmp_path / "own/domain.toml")
    assert len(open_domain(f"{tmp_path}/own:val", labels=["semantic"])) == 3
    again = run("describe", "camvid", camvid, "--out", tmp_path / "own")
    assert again.exit_code == 2 and "--overwrite" in again.stderr


def test_the_first_wrong_file_is_named(camvid):
    write_png(camvid / "valannot/1.png", np.full((6, 8), 77, np.uint8))
    done = run("check", "camvid", camvid)
    assert done.exit_code == 1
    assert "valannot/1.png: holds id 77 (48 pixels)" in done.stdout


def test_files_bounds_what_is_opened(camvid):
    write_png(camvid / "trainannot/1.png", np.full((6, 8), 77, np.uint8))
    assert run("check", "camvid", camvid, "--files", 2).exit_code == 0
    assert run("check", "camvid", camvid, "--all").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "imagenet"), "data set 'imagenet': known are"),
        (("check", "cityscapes", "."), "no image leftImg8bit/"),
        (("check", "camvid", "none"), "none: no such folder"),
        (("check", "carla", "."), "--labels is one of tags13"),
    ],
)
def test_mistakes_are_one_line(arguments, message):
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr and done.stderr.count("\n") == 1
