"""Label spaces: the built-in ones, and files of the user's own."""

import pytest

from atdt.domains.labels import IGNORE, LabelSpace, label_space, label_space_names
from atdt.errors import DomainError

GOOD = 'name = "two"\nclasses = ["road", "rest"]\ncolours = [[1, 2, 3], [4, 5, 255]]\n'


def test_the_shared_classes_are_in_the_papers_order():
    space = label_space("shared11")
    assert space.classes == (
        "road",
        "sidewalk",
        "wall",
        "fence",
        "person",
        "pole",
        "vegetation",
        "vehicle",
        "traffic sign",
        "building",
        "sky",
    )
    assert space.ignore == IGNORE == 255


@pytest.mark.parametrize(("name", "classes"), [("shared11", 11), ("camvid", 11), ("coarse4", 4)])
def test_built_in_spaces(name, classes):
    space = label_space(name)
    assert (space.name, len(space.classes)) == (name, classes)
    assert len(set(space.colours)) == classes
    assert LabelSpace.from_dict(space.to_dict()) == space
    assert name in label_space_names()


def test_a_space_of_ones_own(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(GOOD)
    assert label_space(path) == LabelSpace("two", ("road", "rest"), ((1, 2, 3), (4, 5, 255)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name = ", r"two\.toml: cannot be read"),
        (GOOD + "ids = [1]\n", r"two\.toml: .*exactly the keys"),
        (GOOD.replace('"two"', "2"), "name is a text"),
        (GOOD + "void = 3\n", r"void is one \[red, green, blue\]"),
        (GOOD + "void = [1, 2]\n", r"colour \[1, 2\]"),
        (GOOD + "void = []\n", r"colour \[\]"),
        (GOOD + "void = [4, 5, 255]\n", "void has the colour of a class"),
        (GOOD.replace("[1, 2, 3]", '"red"'), "colours are a list"),
        (GOOD.replace("[1, 2, 3]", "[1, 2]"), r"colour \[1, 2\]"),
        (GOOD.replace("[1, 2, 3]", "[1, 2, 256]"), r"colour \[1, 2, 256\]"),
        (GOOD.replace("[1, 2, 3], ", ""), "1 colours for 2 classes"),
        (GOOD.replace("rest", "road"), "class 'road' is empty, twice"),
        (GOOD.replace("rest", "ignore"), "reserved"),
        (GOOD.replace('"road", "rest"', "").replace("[1, 2, 3], [4, 5, 255]", ""), "0 classes"),
    ],
)
def test_mistakes_in_a_file(tmp_path, content, message):
    path = tmp_path / "two.toml"
    path.write_text(content)
    with pytest.raises(DomainError, match=message):
        label_space(path)


def test_absent_spaces_and_another_ignore_are_refused(tmp_path):
    with pytest.raises(DomainError, match=r"'cityscapes': known are camvid, carla13, .*shared11"):
        label_space("cityscapes")
    with pytest.raises(DomainError, match=r"none\.toml: cannot be read"):
        label_space(tmp_path / "none.toml")
    with pytest.raises(DomainError, match="only 255"):
        LabelSpace("x", ("a",), ((0, 0, 0),), ignore=0)
