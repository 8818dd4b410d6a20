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
    assert "training/disp_occ_0/" in listed.stdout and "leftImg8bit/{split}" not in listed.stdout
    shown = run("list", "cityscapes").stdout
    assert "leftImg8bit/{split}/{city}/{frame}_leftImg8bit.png" in shown
    assert "cityscapes19-to-shared11" in shown and "disparity-cityscapes" in shown
    assert "where train/{drive}/proj_depth/ is" in run("list", "kitti-raw").stdout
    assert "frame in splits/train.txt, if there" in run("list", "nyuv2-png").stdout


def test_a_whole_folder_is_counted_and_described(camvid, tmp_path):
    done = run("check", "camvid", camvid)
    assert done.exit_code == 0, done.output
    assert "images 6x8" in done.stdout and "of 11 classes of shared11" in done.stdout
    assert "missing: test: no image at all" in done.stdout
    assert (
        "missing: train: 364 of the 367 images that the whole data set has (3 are there)"
        in done.stdout
    )
    assert done.stdout.count("missing") == 3
    made = run("describe", "camvid", camvid, "--out", tmp_path / "own")
    assert made.exit_code == 0 and made.stdout.strip() == str(tmp_path / "own/domain.toml")
    assert len(open_domain(f"{tmp_path}/own:val", labels=["semantic"])) == 3
    wide = run("describe", "camvid", camvid, "--out", tmp_path / "wide", "--fov", 90, "--name", "w")
    assert wide.exit_code == 0
    assert "fov = 90.0" in (tmp_path / "wide/domain.toml").read_text().splitlines()
    assert open_domain(f"{tmp_path}/wide:val").focal(0) == pytest.approx(4)
    again = run("describe", "camvid", camvid, "--out", tmp_path / "own")
    assert again.exit_code == 2 and "--overwrite" in again.stderr


def test_the_first_wrong_file_is_named(camvid):
    write_png(camvid / "valannot/1.png", np.full((6, 8), 77, np.uint8))
    done = run("check", "camvid", camvid)
    assert done.exit_code == 1
    assert f"wrong: val: {camvid}/valannot/1.png: holds id 77 (48 pixels)" in done.stdout


def test_a_missing_label_is_wrong_and_a_missing_kind_of_label_is_named(camvid):
    (camvid / "valannot/1.png").unlink()
    done = run("check", "camvid", camvid)
    assert done.exit_code == 1
    assert "wrong: val: 1 of 3 images have no semantic label, the first: val/1.png\n" in done.stdout
    for path in camvid.glob("*annot/*.png"):
        path.unlink()
    done = run("check", "camvid", camvid)
    assert done.exit_code == 0
    assert "semantic" in done.stdout.splitlines()[1]
    assert "missing: no semantic label at all: nothing is called {split}annot/" in done.stdout


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


@pytest.fixture
def nyu_mat(tmp_path):
    import h5py

    path, random = tmp_path / "nyu_depth_v2_labeled.mat", np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["images"] = random.integers(0, 256, (3, 3, 6, 4), np.uint8)
        file["depths"] = random.uniform(0.7, 9.9, (3, 6, 4)).astype(np.float32)
        file["labels"] = random.integers(0, 3, (3, 6, 4), np.uint16)
        file.create_dataset("names", (1, 2), h5py.ref_dtype)
    return path


def test_nyuv2_is_unpacked_checked_and_described(nyu_mat, tmp_path):
    splits, classes = tmp_path / "splits.txt", tmp_path / "classes.txt"
    splits.write_text("train 1 3\ntest 2\n")
    classes.write_text("40 1\n")
    tables, out = ("--splits", splits, "--classes", classes), tmp_path / "nyu"
    made = run("unpack", "nyuv2", nyu_mat, "--out", out, *tables)
    assert made.exit_code == 0, made.output
    assert made.stdout.strip() == str(out)
    checked = run("check", "nyuv2-png", out)
    assert checked.exit_code == 0, checked.output
    assert "images 4x6" in checked.stdout and "2 of 40 classes of nyu40" in checked.stdout
    assert run("describe", "nyuv2-png", out, "--out", out).exit_code == 0
    assert len(open_domain(f"{out}:train", labels=["semantic", "depth"])) == 2
    again = run("unpack", "nyuv2", nyu_mat, "--out", out, "--raw-depth")
    assert again.exit_code == 2
    assert "it holds no rawDepths" in again.stderr and again.stderr.count("\n") == 1


def test_what_is_no_such_file_is_refused_in_one_line(camvid, tmp_path):
    file = camvid / "train/0.png"
    done = run("unpack", "nyuv2", file, "--out", tmp_path / "nyu")
    assert done.exit_code == 2 and done.stderr.count("\n") == 1
    assert f"{file}: expected nyu_depth_v2_labeled.mat" in done.stderr
    assert run("unpack", "camvid", file, "--out", tmp_path / "nyu").exit_code == 2
