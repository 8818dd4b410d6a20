"""A folder laid out like SegNet's copy of CamVid, through the same door as any other domain."""

import numpy as np
import pytest

from atdt.domains import IGNORE, ViewPlan, label_space, open_domain
from atdt.domains.encodings import read_png, write_png
from atdt.errors import DomainError

TO_SHARED = {0: 10, 1: 9, 2: 5, 3: 0, 4: 1, 5: 6, 6: 8, 7: 3, 8: 7, 9: 4}
DESCRIPTION = """
name = "camvid"
label_space = "shared11"
root = "{root}"
columns = ["image", "semantic"]
[lists]
train = "train.txt"
val = "val.txt"
[labels]
0 = "sky"
1 = "building"
2 = "pole"
3 = "road"
4 = "sidewalk"
5 = "vegetation"
6 = "traffic sign"
7 = "fence"
8 = "vehicle"
9 = "person"
10 = "ignore"
11 = "ignore"
"""
COARSE = """
name = "camvid-coarse"
label_space = "coarse4"
file_label_space = "camvid"
root = "{root}"
columns = ["image", "semantic"]
[lists]
train = "train.txt"
[labels]
road = "road"
sky = "sky"
car = "vehicle"
building = "other"
pole = "other"
pavement = "other"
tree = "other"
sign = "other"
fence = "other"
pedestrian = "other"
bicyclist = "other"
11 = "ignore"
"""


@pytest.fixture
def camvid(tmp_path):
    """Images and lists in one folder, descriptions in another, as for a folder one cannot write."""
    root, own = tmp_path / "camvid", tmp_path / "own"
    own.mkdir()
    random = np.random.default_rng(0)
    for split, names in {
        "train": ("0001TP_006690", "0016E5_00420"),
        "val": ("0016E5_07959",),
    }.items():
        lines = []
        for name in names:
            image, label = f"{split}/{name}.png", f"{split}annot/{name}.png"
            write_png(root / image, random.integers(0, 256, (360, 480, 3), np.uint8))
            write_png(root / label, random.integers(0, 12, (360, 480), np.uint8))
            lines.append(f"{image};{label}\n")
        (root / f"{split}.txt").write_text("".join(lines))
    (own / "camvid.toml").write_text(DESCRIPTION.format(root=root))
    (own / "coarse.toml").write_text(COARSE.format(root=root))
    return own


def raw(domain, index):
    return read_png(domain.file(index, "semantic"))


def test_its_ids_become_the_shared_ones(camvid):
    for split, count in (("train", 2), ("val", 1)):
        domain = open_domain(f"{camvid}/camvid.toml:{split}", labels=["semantic"])
        assert len(domain) == count
        for index in range(count):
            assert domain.image_size(index) == (360, 480)
            ids = raw(domain, index)
            expected = np.vectorize(lambda k: TO_SHARED.get(k, IGNORE))(ids)
            assert np.array_equal(domain.label(index, "semantic"), expected)
    assert not domain.has("depth")


def test_coarse_classes_are_a_second_description_of_the_same_folder(camvid):
    fine = open_domain(f"{camvid}/camvid.toml:train")
    coarse = open_domain(f"{camvid}/coarse.toml", labels=["semantic"])
    assert [s.image for s in coarse.samples] == [s.image for s in fine.samples]
    names, space = label_space("camvid").classes, label_space("coarse4").classes
    wanted = {"road": "road", "sky": "sky", "car": "vehicle"}
    table = [space.index(wanted.get(name, "other")) for name in names] + [IGNORE]
    assert np.array_equal(coarse.label(0, "semantic"), np.array(table)[raw(coarse, 0)])


def test_views_bring_it_to_another_domains_size(camvid):
    domain = open_domain(f"{camvid}/camvid.toml:train", labels=["semantic"])
    plan = ViewPlan(views=3, resize=(144, 192), crop=(96, 192), flip=True, photometric="paper")
    for number in range(3):
        view = plan.draw(domain.samples[0].image, number, domain.image_size(0))
        assert view.image(domain.image(0)).shape == (3, 96, 192)
        assert view.label(domain.label(0, "semantic"), "semantic").shape == (96, 192)


def test_a_forgotten_void_class_is_an_error_that_says_what_to_do(camvid):
    path = camvid / "camvid.toml"
    path.write_text(path.read_text().replace('11 = "ignore"\n', ""))
    with pytest.raises(DomainError, match=r"holds id 11 .*: add a line, such as 11 = \"ignore\""):
        open_domain(f"{path}:val").label(0, "semantic")


def test_forgotten_columns_are_an_error_that_names_them(camvid):
    path = camvid / "camvid.toml"
    path.write_text(path.read_text().replace('columns = ["image", "semantic"]\n', ""))
    with pytest.raises(DomainError, match=r"val\.txt:1: has no semantic; columns are image;right"):
        open_domain(f"{path}:val", labels=["semantic"])
