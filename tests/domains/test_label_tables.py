"""The built-in label spaces and tables: what they hold, against what was published."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from atdt.domains import labels
from atdt.domains.label_table import label_table
from atdt.domains.labels import IGNORE, LabelSpace, label_space, label_space_names
from atdt.errors import DomainError

FOLDER = Path(labels.__file__).parent / "label_tables"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
# Table 1 of AT/DT, its columns; the paper writes some in the plural.
TABLE_1 = (
    "road",
    "sidewalk",
    "walls",
    "fence",
    "person",
    "poles",
    "vegetation",
    "vehicles",
    "traffic signs",
    "building",
    "sky",
)
# Train id -> shared id, as the code of AT/DT has it (utils/utils.py).
RELEASED = [0, 1, 9, 2, 3, 5, 8, 8, 6, 255, 10, 4, 255, 7, 255, 255, 255, 7, 255]
# Label id -> train id of Cityscapes; all others are void.
TRAIN_IDS = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11}
TRAIN_IDS |= {25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
# NYUv2's class13Mapping.mat: of the classes 1 to 40, in 1 to 13.
NYU = [12, 5, 6, 1, 4, 9, 10, 12, 13, 6, 8, 6, 13, 10, 6, 13, 6, 7, 7, 5, 7, 3, 2, 6, 11]
NYU += [7, 7, 7, 7, 7, 7, 6, 7, 7, 7, 7, 7, 7, 6, 7]
# Shared classes that a data set cannot show.
MISSING = {
    "camvid": {"wall"},
    "carla13": {"sky"},
    "kitti-camvid7": {"wall", "fence", "person", "pole", "traffic sign"},
}
# Whose files write 255 for none: cityscapesScripts' trainId of void classes, NYUv2's void as
# others write it and `atdt data unpack` does, ASTMT's images without people, our shared classes.
WITH_255 = {
    "cityscapes19-to-shared11",
    "nyu40-to-nyu13",
    "person-parts25-to-person-parts7",
    "shared11-to-coarse4",
}


def read(name: str) -> dict:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text())


def spaces(name: str) -> tuple[LabelSpace, LabelSpace]:
    content = read(name)
    return label_space(content["files"]), label_space(content["to"])


def ids(name: str) -> list[int]:
    """Of every class of a table's files, in their order, the id that it becomes."""
    (files, to), table = spaces(name), read(name)["labels"]
    targets = [table[name] for name in files.classes]
    return [IGNORE if name == "ignore" else to.classes.index(name) for name in targets]


def voc_colour(number: int) -> tuple[int, ...]:
    """PASCAL VOC's colour map: bit 3·k + channel of a number is bit 7 − k of that channel."""
    return tuple(
        sum((number >> (3 * k + channel) & 1) << (7 - k) for k in range(3)) for channel in range(3)
    )


@pytest.mark.parametrize("name", label_space_names())
def test_every_label_space_is_named_like_its_file_and_counts_its_classes(name):
    space = label_space(name)
    assert space.name == name
    assert all(cls == cls.lower().strip() for cls in space.classes)
    count = name[len(name.rstrip("0123456789")) :]
    assert not count or int(count) == len(space.classes)


@pytest.mark.parametrize("name", sorted(set(label_space_names()) - {"cityscapes34"}))
def test_colours_tell_classes_apart(name):
    space = label_space(name)
    assert len(set(space.colours)) == len(space.classes)


def test_two_groups_of_cityscapes_share_their_colours():
    space = label_space("cityscapes34")
    assert space.colours.count((0, 0, 0)) == 5
    assert space.colours[space.classes.index("polegroup")] == (153, 153, 153)
    assert len(set(space.colours)) == 34 - 4 - 1


def test_the_shared_classes_are_in_the_order_of_table_1():
    shared = label_space("shared11").classes
    assert [name.removesuffix("s") for name in TABLE_1] == list(shared)


def test_train_ids_have_the_names_and_colours_of_their_label_ids():
    all_34, trained = label_space("cityscapes34"), label_space("cityscapes19")
    for label_id, train_id in TRAIN_IDS.items():
        assert all_34.classes[label_id] == trained.classes[train_id]
        assert all_34.colours[label_id] == trained.colours[train_id]


def test_sun_rgbd_has_the_first_classes_of_nyu():
    assert label_space("sunrgbd37").classes == label_space("nyu40").classes[:37]


def test_pascal_context_goes_on_where_voc_ends():
    voc, context = label_space("voc21").classes, label_space("pascal-context60").classes
    assert context[:21] == tuple(name.removeprefix("dining") for name in voc)


@pytest.mark.parametrize(
    "name", ["voc21", "person-parts7", "person-parts25", "pascal-context60", "nyu40", "sunrgbd37"]
)
def test_colours_of_vocs_map(name):
    space = label_space(name)
    assert space.colours == tuple(voc_colour(k) for k in range(len(space.classes)))


@pytest.mark.parametrize("name", NAMES)
def test_a_table_names_every_class_of_its_files_and_only_classes_that_exist(name):
    content = read(name)
    assert set(content) == {"source", "files", "to", "labels"}
    assert content["source"].strip()
    assert "\n" not in content["source"]
    assert name.removesuffix("-by-colour") == f"{content['files']}-to-{content['to']}"
    files, to = spaces(name)
    others = {key: value for key, value in content["labels"].items() if key not in files.classes}
    assert set(content["labels"]) - set(others) == set(files.classes)
    assert set(content["labels"].values()) <= {*to.classes, "ignore"}
    for key, value in others.items():  # ids of files beyond the classes: void
        assert len(files.classes) <= int(key) <= IGNORE
        assert value == "ignore"


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("-to-shared11")])
def test_a_table_reaches_the_shared_classes_that_its_files_can_show(name):
    files, to = spaces(name)
    reached = {to.classes[k] for k in ids(name) if k != IGNORE}
    assert reached == set(to.classes) - MISSING.get(files.name, set())


def test_the_built_in_tables_are_these():
    streets = ("cityscapes34", "cityscapes19", "carla13", "carla23", "carla29", "synthia-sf23")
    shared = {f"{files}-to-shared11" for files in (*streets, "camvid", "kitti-camvid7")}
    others = {
        "cityscapes34-to-shared11-by-colour",
        "cityscapes34-to-cityscapes19",
        "nyu40-to-nyu13",
        "shared11-to-coarse4",
        "person-parts25-to-person-parts7",
    }
    assert set(NAMES) == shared | others


def test_nineteen_classes_become_eleven_as_released():
    assert ids("cityscapes19-to-shared11") == RELEASED


def test_label_ids_become_train_ids_as_published():
    assert ids("cityscapes34-to-cityscapes19") == [TRAIN_IDS.get(k, IGNORE) for k in range(34)]


def test_both_ways_from_label_ids_to_the_shared_classes_are_one():
    second = [*ids("cityscapes19-to-shared11"), *[IGNORE] * (IGNORE + 1 - 19)]
    composed = [second[k] for k in ids("cityscapes34-to-cityscapes19")]
    assert ids("cityscapes34-to-shared11") == composed


def test_nyus_forty_classes_become_thirteen_as_published():
    assert ids("nyu40-to-nyu13") == [number - 1 for number in NYU]


def test_coarse_classes_are_road_sky_and_vehicle():
    (files, to), coarse = spaces("shared11-to-coarse4"), ids("shared11-to-coarse4")
    named = {files.classes[k]: to.classes[target] for k, target in enumerate(coarse)}
    assert {name for name, target in named.items() if target == "other"} == set(files.classes) - {
        "road",
        "sky",
        "vehicle",
    }
    assert all(target in (name, "other") for name, target in named.items())


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("-to-shared11")])
def test_a_class_of_one_name_goes_one_way_in_every_table(name):
    common = read("cityscapes19-to-shared11")["labels"] | {"road line": "road"}
    common |= dict.fromkeys(("static", "dynamic", "ground", "guard rail", "bridge"), "ignore")
    table = read(name)["labels"]
    assert {cls: table[cls] for cls in table if cls in common} == {
        cls: common[cls] for cls in table if cls in common
    }


@pytest.mark.parametrize("name", NAMES)
def test_255_is_void_where_the_files_have_it_and_unknown_elsewhere(name):
    pixel = np.array([[IGNORE]], np.uint8)
    assert (read(name)["labels"].get("255") == "ignore") == (name in WITH_255)
    if name in WITH_255:
        assert label_table(name).label_map.apply(pixel) == IGNORE
    else:
        with pytest.raises(DomainError, match=rf"id 255 \(1 pixels\); .* table {name}\.toml"):
            label_table(name).label_map.apply(pixel)


def test_camvids_void_is_named():
    assert read("camvid-to-shared11")["labels"]["11"] == "ignore"
