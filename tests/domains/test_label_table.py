"""Label tables are read from files, and what is wrong with one is said."""

import pytest

from atdt import objects
from atdt.domains import IGNORE
from atdt.domains.label_table import label_table, label_table_names
from atdt.errors import DomainError
from atdt.places import place

HEAD = 'source = "ours"\nfiles = "coarse4"\nto = "shared11"\n[labels]\n'
ROWS = 'road = "road"\nsky = "sky"\nvehicle = 7\n'


def test_a_table_by_name_says_where_it_comes_from():
    table = label_table("cityscapes34-to-shared11")
    assert "ATDT" in table.source
    assert (table.files.name, table.to.name) == ("cityscapes34", "shared11")
    assert table.label_map.ids[7] == 0 and table.label_map.ids[22] == IGNORE
    assert "cityscapes34-to-shared11" in label_table_names()


def test_a_table_of_ones_own(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text(HEAD + ROWS + 'other = "ignore"\n')
    assert label_table(path).label_map.ids == {0: 0, 1: 10, 2: 7, 3: IGNORE}


def test_a_table_in_a_bucket(bucket):
    objects.put(place(f"{bucket}/t.toml"), (HEAD + ROWS + 'other = "ignore"\n').encode())
    assert label_table(f"{bucket}/t.toml").label_map.ids[2] == 7
    assert label_table(place(f"{bucket}/t.toml")).files.name == "coarse4"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD + ROWS, r"\[labels\] lacks other: write"),
        (HEAD + ROWS + 'other = "tree"', r"\[labels\]: other = 'tree'"),
        (HEAD + ROWS + 'others = "sky"', r"\[labels\]: 'others' is neither"),
        (HEAD.replace("coarse4", "coarse5") + ROWS, "label space 'coarse5': known are"),
        (HEAD.replace("coarse4", "../x.toml") + ROWS, "must be a path below"),
        (HEAD.replace('"coarse4"', "4") + ROWS, "files = 4 is no label space"),
        (HEAD.replace('"ours"', '" "') + ROWS, "source is one line"),
        ("a = 1\n" + HEAD + ROWS, "exactly the keys source, files, to, labels"),
        ("x", "cannot be read as a label table"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, message):
    path = tmp_path / "t.toml"
    path.write_text(content)
    with pytest.raises(DomainError, match=message) as caught:
        label_table(path)
    assert str(caught.value).startswith(str(path))


def test_an_unknown_name_shows_those_that_are_known():
    with pytest.raises(DomainError, match="label table 'x': known are camvid-to-shared11"):
        label_table("x")
