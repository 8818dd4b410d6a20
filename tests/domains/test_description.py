"""domain.toml: what it says is taken over, and each mistake names the file and the key."""

import json

import pytest

from atdt.domains.cameras import Camera
from atdt.domains.description import read_description
from atdt.domains.labels import IGNORE
from atdt.domains.lists import Sample
from atdt.errors import DomainError


def focal(description, image, width=100):
    return description.camera_of(Sample(1, image), lambda: width).focal


HEAD = 'name = "x"\nlabel_space = "shared11"\n'
LISTS = '[lists]\ntrain = "train.txt"\n'


@pytest.fixture
def describe(tmp_path):
    def write(content: str):
        path = tmp_path / "domain.toml"
        path.write_text(content)
        return path

    return write


def test_what_is_left_out_has_a_default(describe, tmp_path):
    described = read_description(describe(HEAD + LISTS))
    assert described.name == "x"
    assert described.root.resolve() == tmp_path.resolve()
    assert described.columns == ("image", "right", "semantic", "depth", "normals")
    assert described.encodings == {"semantic": "ids", "depth": "rgb24-1000m", "normals": "rgb8"}
    assert described.lists == {"train": tmp_path / "train.txt"}
    assert focal(described, "a.png") is None
    assert described.label_map.ids == {k: k for k in [*range(11), IGNORE]}


def test_everything_can_be_given(describe, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "own.toml").write_text(
        'name = "own"\nclasses = ["up", "down"]\ncolours = [[0, 0, 0], [1, 1, 1]]\n'
    )
    described = read_description(
        describe(
            'name = "x"\nlabel_space = "own.toml"\nfile_label_space = "coarse4"\nroot = "images"\n'
            'focal = 96\ncolumns = ["image", "semantic"]\n' + LISTS + '[encodings]\ndepth = "npy"\n'
            '[labels]\nsky = "up"\nroad = 1\n2 = "ignore"\n'
        )
    )
    assert described.label_space.classes == ("up", "down")
    assert described.label_map.ids == {1: 0, 0: 1, 2: IGNORE}
    assert described.root == tmp_path / "images"
    assert described.columns == ("image", "semantic")
    assert described.encodings["depth"] == "npy"
    assert focal(described, "a.png") == 96.0


def test_a_list_lies_beside_the_description_or_else_under_the_root(describe, tmp_path):
    root = tmp_path / "elsewhere"
    root.mkdir()
    path = describe(HEAD + f'root = "{root}"\n' + LISTS)
    assert read_description(path).lists["train"] == tmp_path / "train.txt"  # named in the error
    (root / "train.txt").write_text("a.png\n")
    assert read_description(path).lists["train"] == root / "train.txt"
    (tmp_path / "train.txt").write_text("b.png\n")
    assert read_description(path).lists["train"] == tmp_path / "train.txt"


def write_camera(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_camera_files_lie_in_a_folder_of_the_root_or_beside_the_images(describe, tmp_path):
    described = read_description(describe(HEAD + 'camera = "camera"\n' + LISTS))
    write_camera(tmp_path / "train" / "camera" / "7.json", {"focal": 90, "height": 1.5})
    assert focal(described, "train/image/7.png") == 90.0
    write_camera(tmp_path / "camera" / "train" / "image" / "7.json", {"focal": 91.5})
    assert focal(described, "train/image/7.png") == 91.5
    with pytest.raises(DomainError, match=r"train/image/8\.png: no camera file .*8\.json or "):
        focal(described, "train/image/8.png")


def test_the_focal_length_of_an_angle_depends_on_the_image(describe):
    described = read_description(describe(HEAD + "fov = 90\nbaseline = 0.5\n" + LISTS))
    assert focal(described, "a.png", 300) == pytest.approx(150)
    assert described.camera_of(Sample(1, "a.png"), lambda: 300).baseline == 0.5


def test_a_camera_that_a_list_names_comes_first_and_the_baseline_may_be_common(describe, tmp_path):
    described = read_description(
        describe(HEAD + 'columns = ["image", "camera"]\nfocal = 50\nbaseline = 0.5\n' + LISTS)
    )
    write_camera(tmp_path / "c/1.json", {"focal": 70})
    write_camera(tmp_path / "c/2.json", {"focal": 80, "baseline": 0.25})
    cameras = [
        described.camera_of(Sample(1, "a.png", camera=name), lambda: 1)
        for name in ("c/1.json", "c/2.json", None)
    ]
    assert cameras == [Camera(70, 0.5), Camera(80, 0.25), Camera(50, 0.5)]


def test_a_label_table_is_both_spaces_and_the_map(describe):
    described = read_description(
        describe('name = "x"\nlabel_table = "cityscapes19-to-shared11"\n' + LISTS)
    )
    assert described.label_space.name == "shared11"
    assert described.in_files.name == "cityscapes19"
    assert described.label_map.ids[17] == 7


@pytest.mark.parametrize("content", [{}, [], {"focal": 0}, {"focal": "1"}, {"focal": True}])
def test_camera_files_without_a_focal_length(describe, tmp_path, content):
    described = read_description(describe(HEAD + 'camera = "camera"\n' + LISTS))
    write_camera(tmp_path / "camera" / "a.json", content)
    with pytest.raises(DomainError, match=r"a\.json.*focal"):
        focal(described, "a.png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name = ", "cannot be read as a description"),
        (LISTS, "'name' is missing"),
        ('name = "x"\n' + LISTS, "'label_space' is missing"),
        (HEAD, "'lists' is missing"),
        (HEAD + "[lists]\n", "'lists' is missing"),
        (HEAD + "[lists]\ntrain = 1\n", r"\[lists\] train = 1 is not the path of a list"),
        (HEAD + "fcoal = 1\n" + LISTS, "unknown key 'fcoal'; known are name, label_space"),
        (HEAD + "root = 1\n" + LISTS, "root = 1 is not a text"),
        (HEAD + "focal = true\n" + LISTS, "focal = True is not a number"),
        (HEAD + "focal = -1\n" + LISTS, "focal = -1 is no number of pixels above 0"),
        (HEAD + "focal = inf\n" + LISTS, "focal = inf"),
        (HEAD + 'focal = 1\ncamera = "c"\n' + LISTS, "focal and camera exclude each other"),
        (HEAD + "fov = 90\nfocal = 1\n" + LISTS, "focal and fov exclude each other"),
        (HEAD + "fov = 180\n" + LISTS, "fov = 180 is no number of degrees below 180"),
        (HEAD + "baseline = 0\n" + LISTS, "baseline = 0 is no number of metres above 0"),
        (HEAD + 'label_table = "x"\n' + LISTS, "label table 'x': known are"),
        (HEAD + 'label_table = "camvid-to-shared11"\n' + LISTS + "[labels]\n", "label_table excl"),
        (
            HEAD.replace("shared11", "camvid") + 'label_table = "camvid-to-shared11"\n' + LISTS,
            "leads to label space 'shared11', not 'camvid'; leave label_space out",
        ),
        (HEAD + LISTS + '[encodings]\nsemantic = "red2"\n', "semantic encoding 'red2': known are"),
        (
            HEAD + LISTS + '[encodings]\nsemantic = "colours"\n[labels]\n0 = "sky"\n',
            '"colours" needs file_label_space or label_table',
        ),
        (
            'name = "x"\nlabel_table = "cityscapes34-to-shared11"\n'
            + LISTS
            + '[encodings]\nsemantic = "colours"\n',
            "'pole' and 'polegroup' of 'cityscapes34' have the same colour",
        ),
        (HEAD + LISTS + "[far]\nid = 0\n", r"\[far\]: write exactly id, class and beyond"),
        (
            HEAD + LISTS + '[far]\nid = 0\nclass = "cat"\nbeyond = 9\n',
            r"\[far\]: class = 'cat'",
        ),
        (
            HEAD + LISTS + '[far]\nid = 0\nclass = "sky"\nbeyond = -9\n',
            r"\[far\]: beyond = -9 is no number of metres",
        ),
        (HEAD + 'root = "none"\n' + LISTS, "root: .*none is no folder"),
        (HEAD + 'columns = ["semantic"]\n' + LISTS, "write 'image' and others of image, right"),
        (HEAD + 'columns = ["image", "image"]\n' + LISTS, "each once"),
        (HEAD + 'columns = ["image", "edges"]\n' + LISTS, "each once"),
        (HEAD + LISTS + '[encodings]\nflow = "npy"\n', r"\[encodings\] flow"),
        (HEAD + LISTS + '[encodings]\ndepth = "png"\n', "depth encoding 'png'"),
        (HEAD + LISTS + "[encodings]\ndepth = 1\n", r"\[encodings\] depth = 1"),
        (HEAD + LISTS + '[labels]\n0 = "cat"\n', r"\[labels\]: 0 = 'cat'"),
        (HEAD + 'file_label_space = "camvid"\n' + LISTS, "file_label_space needs"),
        (HEAD.replace("shared11", "shared12") + LISTS, "label space 'shared12': known are"),
        (HEAD.replace("shared11", "own.toml") + LISTS, r"own\.toml: cannot be read"),
    ],
)
def test_each_mistake_has_its_error(describe, content, message):
    path = describe(content)
    with pytest.raises(DomainError, match=message) as caught:
        read_description(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
