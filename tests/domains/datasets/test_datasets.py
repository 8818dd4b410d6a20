"""Every data set that is known: laid out as its file says, it is found, checked and described."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atdt.cli import main
from atdt.domains import IGNORE, open_domain
from atdt.domains.datasets import Describing, check_dataset, describe, layout, layout_names
from atdt.domains.datasets.find import find, needed
from atdt.domains.datasets.patterns import fields_of
from atdt.domains.encodings import write_png
from atdt.domains.lists import ALL_COLUMNS
from atdt.errors import DomainError
from tests.made_datasets import SIZE, lacking

WAYS = [(name, way) for name in layout_names() for way in layout(name).ways or [None]]


@pytest.mark.parametrize("name", layout_names())
def test_a_layout_says_where_it_comes_from_and_fills_its_paths_from_the_images(name):
    known = layout(name)
    assert known.title and known.source and known.get
    assert set(known.files) <= set(ALL_COLUMNS) and "image" in known.files
    have = set(fields_of(known.files["image"]))
    for column, pattern in needed(known).items():
        assert set(fields_of(pattern)) <= have or column in known.nearest
    assert set(known.gaps) <= {*known.files, "semantic"}
    for rule in known.splits.values():
        chooses = {rule["field"]} if "names" in rule else set(rule) - {"without", "beside"}
        assert {*chooses, *fields_of(rule.get("beside", ""))} <= have
    assert set(known.counts) <= set(known.splits)


@pytest.mark.parametrize(("name", "labels"), WAYS)
def test_it_becomes_a_domain_with_all_its_labels(make_dataset, tmp_path, name, labels):
    root = make_dataset(name, labels)
    checked = check_dataset(name, root, labels)
    assert checked.wrong is None
    known = layout(name)
    assert set(checked.found.splits) == set(known.splits)
    assert {2} <= set(checked.opened.values()) <= {2, 5}
    path = describe(Describing(name, root, tmp_path / "own", labels=labels))
    for split in known.splits:
        domain = open_domain(f"{path.parent}:{split}")
        assert len(domain) == (2 if known.splits[split] or len(known.splits) == 1 else 6)
        for kind in ("depth", "normals"):
            assert domain.has(kind) == (kind in known.files)
        labelled = bool(known.ways) and "semantic" not in known.splits[split].get("without", ())
        assert domain.has("semantic") == labelled
        for index in range(2):
            assert domain.image(index).shape == (12, 16, 3)
            if labelled:
                semantic = domain.label(index, "semantic")
                assert domain.label_space.name == known.way(labels).becomes
                assert (semantic < len(domain.label_space.classes))[semantic != IGNORE].all()
            if "depth" in known.files:
                depth = domain.label(index, "depth")
                assert not depth[0].any()
                assert 1.9 < depth[1:].min() < depth.max() < 9.2
            if "camera" in known.files:
                assert domain.camera(index).focal == 20
            if known.encodings.get("depth", "").startswith("disparity"):
                assert domain.camera(index).baseline == pytest.approx(0.5)


def test_labels_that_are_absent_may_lie_elsewhere(make_dataset):
    root = make_dataset("pascal-mt")
    moved = root / "semseg/pascal-context/val_1.png"
    moved.parent.mkdir()
    (root / "semseg/VOC12/val_1.png").rename(moved)
    made = find(layout("pascal-mt"), root)
    place = made.columns.index("semantic")
    assert [row[place] for row in made.splits["val"]] == [
        "semseg/VOC12/val_0.png",
        "semseg/pascal-context/val_1.png",
    ]


def test_cityscapes_ids_of_both_kinds_become_the_same_shared_classes(make_dataset, tmp_path):
    root = make_dataset("cityscapes", "labelids")
    spec = describe(Describing("cityscapes", root, tmp_path / "a")).parent
    domain = open_domain(f"{spec}:train")
    label_ids = np.array([[7, 8, 11, 19, 20, 26, 32, 33, 22, 0]], np.uint8)
    label_ids = np.pad(np.tile(label_ids, (12, 1)), ((0, 0), (0, 6)))
    write_png(domain.file(0, "semantic"), label_ids)
    assert domain.label(0, "semantic")[0, :10].tolist() == [0, 1, 9, 8, 8, 7, 7, 255, 255, 255]


def test_an_id_that_the_table_lacks_is_named_with_file_and_count(make_dataset):
    root = make_dataset("cityscapes", "trainids")
    path = sorted(root.glob("gtFine/val/*/*_labelTrainIds.png"))[1]
    ids = np.zeros((12, 16), np.uint8)
    ids[0, :5] = 33
    write_png(path, ids)
    checked = check_dataset("cityscapes", root, "trainids")
    assert f"{path}: holds id 33 (5 pixels)" in checked.wrong
    assert checked.opened == {"train": 2, "val": 1}


def test_depth_outside_of_its_bounds_is_taken_for_another_encoding(make_dataset):
    root = make_dataset("camvid")
    assert check_dataset("camvid", root).wrong is None
    root = make_dataset("nyuv2-npy")
    path = sorted(root.glob("val/depth/*.npy"))[0]
    np.save(path, np.full((12, 16), 2500.0))
    wrong = check_dataset("nyuv2-npy", root).wrong
    assert wrong.endswith("0.1 to 12 m are expected: another encoding?")
    assert str(path) in wrong


def test_labels_that_are_all_ignored_are_wrong(make_dataset):
    root = make_dataset("cityscapes")
    for path in root.glob("gtFine/train/*/*_labelIds.png"):
        write_png(path, np.zeros((12, 16), np.uint8))
    assert "every pixel of 2 label files is ignored" in check_dataset("cityscapes", root).wrong


def test_carlas_tags_must_be_named_and_colours_are_no_tags(make_dataset):
    root = make_dataset("carla", "palette23")
    versions = r"which version .*tags13: before 0\.9\.10; .*tags29: from 0\.9\.14"
    with pytest.raises(DomainError, match=rf"{versions}.*--labels is one of tags13"):
        check_dataset("carla", root)
    with pytest.raises(DomainError, match="has no labels 'tags12'"):
        check_dataset("carla", root, "tags12")
    assert "colours, not tags in the red channel" in check_dataset("carla", root, "tags23").wrong
    assert "holds colours [" in check_dataset("carla", root, "palette29").wrong


def test_old_carlas_sky_is_what_has_no_tag_at_the_far_plane(make_dataset, tmp_path):
    from atdt.domains.encodings import write_depth

    root = make_dataset("carla", "tags13")
    spec = describe(Describing("carla", root, tmp_path / "own", labels="tags13")).parent
    domain = open_domain(f"{spec}:train")
    tags = np.zeros((12, 16, 3), np.uint8)
    tags[6:, :, 0] = 7
    write_png(domain.file(0, "semantic"), tags)
    metres = np.full((12, 16), 1000.0)
    metres[:, 8:] = 30
    write_depth(domain.file(0, "depth"), metres, "rgb24-1000m")
    label, sky = domain.label(0, "semantic"), domain.label_space.classes.index("sky")
    assert (label[:6, :8] == sky).all() and (label[:6, 8:] == IGNORE).all()
    assert (label[6:] == 0).all()


def test_a_focal_length_may_be_given_where_no_file_says_it(make_dataset, tmp_path):
    root = make_dataset("carla", "tags23")
    common = {"root": root, "labels": "tags23", "overwrite": True, "out": tmp_path / "own"}
    made = describe(Describing("carla", fov=90.0, **common))
    assert open_domain(f"{made.parent}:train").focal(0) == pytest.approx(16 / 2)  # pixels wide
    describe(Describing("carla", focal=7.5, **common))
    assert open_domain(f"{made.parent}:train").focal(0) == 7.5
    for wrong, message in (
        ({"fov": 200.0}, "fov = 200"),
        ({"fov": 90.0, "focal": 7.5}, "exclude each other"),
    ):
        with pytest.raises(DomainError, match=message):
            describe(Describing("carla", **wrong, **common))
    root = make_dataset("synthia-sf")
    describe(Describing("synthia-sf", root, tmp_path / "synthia", focal=9.0))
    assert open_domain(f"{tmp_path}/synthia:train").focal(0) == 9.0  # rather than the layout's
    root = make_dataset("cityscapes")
    with pytest.raises(DomainError, match="focal: cityscapes has a camera file for each image"):
        describe(Describing("cityscapes", root, tmp_path / "cityscapes", focal=9.0))


def test_a_folder_of_something_else_is_refused_with_what_was_looked_for(tmp_path):
    with pytest.raises(DomainError, match=r"no image leftImg8bit/\{split\}"):
        find(layout("cityscapes"), tmp_path)
    with pytest.raises(DomainError, match="no such folder"):
        find(layout("cityscapes"), tmp_path / "none")
    with pytest.raises(DomainError, match=r"train\.txt: no such list"):
        find(layout("voc2012"), tmp_path)
    with pytest.raises(DomainError, match="data set 'imagenet': known are camvid"):
        layout("imagenet")


def test_images_of_no_split_are_counted_and_missing_labels_leave_a_gap(make_dataset):
    root = make_dataset("synthia-sf")
    (root / "SEQ3").rename(root / "SEQ7")
    made = find(layout("synthia-sf"), root)
    assert made.unsplit == 2 and set(made.splits) == {"train", "test"}
    sorted(root.glob("SEQ1/DepthLeft/*"))[0].unlink()
    made = find(layout("synthia-sf"), root)
    assert (made.count("test", "image"), made.count("test", "depth")) == (2, 1)
    assert made.lines("test").count(";_") == 1


def test_labels_that_lie_where_images_may_are_no_images_of_no_split(make_dataset):
    made = find(layout("camvid"), make_dataset("camvid"))
    assert made.unsplit == 0 and set(made.splits) == {"train", "val", "test"}


def test_a_folder_may_be_named_from_where_one_is(make_dataset, monkeypatch):
    root = make_dataset("cityscapes")
    monkeypatch.chdir(root.parent)
    checked = check_dataset("cityscapes", Path(root.name))
    assert checked.wrong is None and checked.opened["train"] == 2


def test_cityscapes_test_images_are_for_predicting_alone(make_dataset):
    root = make_dataset("cityscapes")
    source = next(root.glob("gtFine/val/*/*_labelIds.png"))
    for image in root.glob("leftImg8bit/test/*/*.png"):  # published with nothing but ignored ids
        name = image.name.replace("leftImg8bit", "gtFine_labelIds")
        label = root / "gtFine/test" / image.parent.name / name
        label.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, label)
    checked = check_dataset("cityscapes", root)
    assert checked.wrong is None and not lacking(checked)
    assert checked.found.count("test", "image") == 2
    assert checked.found.count("test", "semantic") == 0


def test_context_in_vocs_palette_is_read_by_its_colours(make_dataset, tmp_path):
    root = make_dataset("pascal-context")
    for path in root.glob("SegmentationClassContext/*.png"):
        with Image.open(path) as picture:
            palette = picture.convert("RGB").quantize(60, dither=Image.Dither.NONE)
        palette.save(path)
    assert check_dataset("pascal-context", root).wrong is None


def test_numbers_may_be_written_with_other_digits(make_dataset):
    made = find(layout("sunrgbd-mseg"), make_dataset("sunrgbd-mseg"))
    assert made.lines("train") == (
        "image/train/img-000000.jpg;semseg-label37/train/00000000.png\n"
        "image/train/img-000001.jpg;semseg-label37/train/00000001.png\n"
    )


def test_raw_frames_of_nyu_have_the_depth_that_is_nearest_in_time(tmp_path):
    for name in ("r-10.50-700.ppm", "d-10.48-211.pgm", "d-10.60-212.pgm", "r-11.00-701.ppm"):
        (tmp_path / "basements/basement_0001a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "basements/basement_0001a" / name).touch()
    scene = "basements/basement_0001a"
    assert find(layout("nyuv2-raw"), tmp_path).lines("all") == (
        f"{scene}/r-10.50-700.ppm;{scene}/d-10.48-211.pgm\n{scene}/r-11.00-701.ppm;_\n"
    )


def test_labels_that_some_images_lack_are_wrong_and_counted(make_dataset):
    root = make_dataset("cityscapes")
    path = sorted(root.glob("gtFine/val/*/*_labelIds.png"))[1]
    path.unlink()
    checked = check_dataset("cityscapes", root)
    image = str(path.relative_to(root)).replace("gtFine/", "leftImg8bit/")
    image = image.replace("gtFine_labelIds", "leftImg8bit")
    line = f"val: 1 of 2 images have no semantic label, the first: {image}"
    assert checked.wrong == line and not lacking(checked)
    for other in root.glob("gtFine/val/*/*"):
        other.unlink()
    assert "val: 2 of 2 images have no semantic label" in check_dataset("cityscapes", root).wrong


def test_a_kind_of_label_that_no_image_has_is_named_and_may_be_done_without(make_dataset):
    root = make_dataset("cityscapes")
    shutil.rmtree(root / "gtFine")
    checked = check_dataset("cityscapes", root)
    assert checked.wrong is None
    assert lacking(checked) == [
        "no semantic label at all: nothing is called "
        "gtFine/{split}/{city}/{frame}_gtFine_labelIds.png"
    ]
    assert "semantic" in checked.found.patterns and checked.found.count("val", "semantic") == 0
    with pytest.raises(DomainError, match=r"no gtFine/.*Ids\.png, which --labels trainids"):
        check_dataset("cityscapes", root, "trainids")


def test_a_split_without_an_image_is_missing(make_dataset):
    root = make_dataset("cityscapes")
    shutil.rmtree(root / "leftImg8bit" / "val")
    checked = check_dataset("cityscapes", root)
    assert checked.missing[0] == "val: no image at all" and not checked.wrong


def test_labels_of_another_way_are_named(make_dataset, tmp_path):
    root = make_dataset("cityscapes", "trainids")
    done = CliRunner().invoke(
        main, ["data", "describe", "cityscapes", str(root), "--out", str(tmp_path / "d")]
    )
    assert done.exit_code == 0
    assert done.stdout.strip() == str(tmp_path / "d" / "domain.toml")
    line = next(line for line in done.stderr.splitlines() if "semantic" in line)
    assert line.startswith("missing: no semantic label at all: nothing is called gtFine/")
    assert line.endswith("; there are files for --labels trainids")
    assert f"# {line}" in (tmp_path / "d" / "domain.toml").read_text()


@pytest.mark.parametrize(("road", "doubted"), [(7, []), (0, ["train", "val"])])
def test_labels_most_of_which_are_ignored_are_doubted(make_dataset, road, doubted):
    """Road is 0 among the 19 classes, and of the 34 ids 0 is unlabelled."""
    root = make_dataset("cityscapes")
    for file in root.glob("gtFine/*/*/*_labelIds.png"):
        ids = np.full(SIZE, road, np.uint8)
        ids[0] = 26
        write_png(file, ids)
    doubts = check_dataset("cityscapes", root).doubts
    assert [doubt.split(": ")[0] for doubt in doubts] == doubted
    assert all(": 91.7% of the labels are ignored, which is much; do" in line for line in doubts)


def test_depth_that_a_data_set_itself_lacks_in_places_is_not_wrong(make_dataset):
    root = make_dataset("kitti-raw")
    next(root.glob("val/*/proj_depth/groundtruth/image_02/*.png")).unlink()
    checked = check_dataset("kitti-raw", root)
    assert checked.wrong is None
    assert [line.partition(", ")[0] for line in checked.missing] == [
        "all: 1 of 6 images have no depth",
        "val: 1 of 2 images have no depth",
    ]


def test_a_description_is_not_replaced_unasked(make_dataset, tmp_path):
    root = make_dataset("camvid")
    config = Describing("camvid", root, tmp_path / "own")
    describe(config)
    with pytest.raises(DomainError, match="is there already; --overwrite"):
        describe(config)
    describe(Describing("camvid", root, tmp_path / "own", overwrite=True, name="streets"))
    assert open_domain(f"{tmp_path}/own:train").name == "streets"


def test_several_files_where_one_is_meant_are_an_error(make_dataset):
    root = make_dataset("sunrgbd")
    path = sorted(root.glob("*/depth_bfx/*.png"))[0]
    path.with_name("2.png").write_bytes(path.read_bytes())
    with pytest.raises(DomainError, match="2 files, where one is meant"):
        find(layout("sunrgbd"), root)


def test_tums_images_have_the_depth_that_is_nearest_in_time(tmp_path):
    for path in ("rgb/1.000", "rgb/1.100", "rgb/9.000", "depth/1.015", "depth/1.090"):
        (tmp_path / "desk" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "desk" / f"{path}.png").touch()
    made = find(layout("tum"), tmp_path)
    assert made.lines("all") == (
        "desk/rgb/1.000.png;desk/depth/1.015.png\n"
        "desk/rgb/1.100.png;desk/depth/1.090.png\n"
        "desk/rgb/9.000.png;_\n"
    )
    (tmp_path / "desk/depth/last.png").touch()
    with pytest.raises(DomainError, match="'last' is no time in seconds"):
        find(layout("tum"), tmp_path)
