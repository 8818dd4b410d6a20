"""Ids in files become ids of a label space, or an error that counts them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.domains.label_map import LabelMap
from atdt.domains.labels import label_space
from atdt.errors import DomainError

SHARED, COARSE = label_space("shared11"), label_space("coarse4")
TARGETS = st.one_of(st.integers(0, 3), st.just(255), st.sampled_from([*COARSE.classes, "ignore"]))


@given(st.dictionaries(st.integers(0, 2**16 - 1), TARGETS, min_size=1, max_size=20), st.data())
def test_every_named_id_becomes_its_class(table, data):
    ids = LabelMap.from_table({str(k): v for k, v in table.items()}, COARSE, None)
    raw = np.array(data.draw(st.lists(st.sampled_from(sorted(table)), min_size=1)))[None]
    names = {name: k for k, name in enumerate(COARSE.classes)} | {"ignore": 255}
    expected = [names.get(table[k], table[k]) for k in raw[0].tolist()]
    mapped = ids.apply(raw.astype(np.uint16))
    assert mapped.dtype == np.uint8
    assert mapped[0].tolist() == expected


def test_without_a_table_ids_are_those_of_the_space():
    raw = np.array([[*range(11), 255]], np.uint8)
    assert np.array_equal(LabelMap.identity(SHARED).apply(raw), raw)


def test_unknown_ids_are_named_and_counted():
    raw = np.array([[0, 11, 12, 12, 255]], np.uint8)
    with pytest.raises(
        DomainError, match=r"id 12 \(2 pixels\), id 11 \(1 pixels\); 'shared11' has"
    ):
        LabelMap.identity(SHARED).apply(raw)
    with pytest.raises(DomainError, match=r"id 255 \(1 pixels\); not named in \[labels\]"):
        LabelMap.from_table({"0": 0, "11": 1, "12": 2}, COARSE, None).apply(raw)


def test_of_many_unknown_ids_the_most_frequent_are_named():
    raw = np.repeat(np.arange(100, 110, dtype=np.uint8), np.arange(1, 11))[None]
    with pytest.raises(DomainError, match=r"holds id 109 \(10 pixels\), .* and 6 more"):
        LabelMap.identity(SHARED).apply(raw)


def test_class_names_of_the_files_label_space_can_be_keys():
    table = dict.fromkeys(SHARED.classes, "other") | {"road": "road", "sky": "sky"}
    raw = np.array([[0, 1, 10, 255]], np.uint8)
    named = LabelMap.from_table(table | {"255": "ignore"}, COARSE, SHARED)
    assert named.apply(raw).tolist() == [[0, 3, 1, 255]]
    with pytest.raises(DomainError, match=r"id 255 \(1 pixels\); not named in \[labels\]"):
        LabelMap.from_table(table, COARSE, SHARED).apply(raw)
    moved = LabelMap.from_table(table | {"ignore": "other"}, COARSE, SHARED)
    assert moved.apply(raw).tolist() == [[0, 3, 1, 3]]


@pytest.mark.parametrize(
    ("table", "in_files", "message"),
    [
        ({"road": 0}, None, "'road' is no id from 0 to 65535"),
        ({"-1": 0}, None, "'-1' is no id"),
        ({"65536": 0}, None, "'65536' is no id"),
        ({"²": 0}, None, "'²' is no id"),
        ({"street": 0}, SHARED, "'street' is neither an id nor a class of 'shared11'"),
        ({"0": 0, "road": 0}, SHARED, "'road' and '0' are the same id 0"),
        ({"0": 0, "00": 0}, None, "'00' and '0' are the same id 0"),
        ({"0": 4}, None, r"0 = 4: write 'ignore', or id or class of 'coarse4' \(road, sky"),
        ({"0": "car"}, None, "0 = 'car'"),
        ({"0": True}, None, "0 = True"),
        ({"0": 1.0}, None, r"0 = 1\.0"),
    ],
)
def test_mistakes_in_the_table(table, in_files, message):
    with pytest.raises(DomainError, match=message):
        LabelMap.from_table(table, COARSE, in_files)
