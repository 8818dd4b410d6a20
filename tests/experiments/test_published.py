"""The paper's numbers: transcribed so that they agree with themselves."""

import numpy as np
import pytest

from atdt.domains import label_space
from atdt.experiments.published import classes, published, published_row

TABLES = ("table1", "table2", "table3", "table4", "table5", "table6", "figure4")


def test_the_columns_are_the_shared_classes_in_their_order():
    assert classes() == label_space("shared11").classes


@pytest.mark.parametrize("table", ["table1", "table3"])
def test_miou_is_the_mean_of_the_classes_as_printed(table):
    for row in published(table):
        assert len(row["iou"]) == 11
        assert np.mean(row["iou"]) == pytest.approx(row["miou"], abs=0.011)


def test_tables_repeat_each_others_rows():
    ours = published_row("table1", "carla", "cityscapes", method="atdt")
    assert published_row("table3", "carla", "cityscapes", method="atdt")["iou"] == ours["iou"]
    ours = published_row("table2", "carla", "cityscapes", method="atdt")
    assert published_row("table4", "carla", "cityscapes", method="atdt") == ours
    deepest = published_row("table1", "synthia", "cityscapes", method="atdt")["miou"]
    for table, where in (
        ("table5", {"shared": True}),
        ("table6", {"batchnorm": True}),
        ("figure4", {"level": 4}),
    ):
        assert published_row(table, "synthia", "cityscapes", domain="b", **where)["miou"] == deepest


def test_what_the_text_says_of_the_gains():
    def gain(key, a, b):
        rows = [published_row("table1", a, b, method=m) for m in ("atdt", "baseline")]
        return rows[0][key] - rows[1][key]

    assert gain("miou", "synthia", "carla") == pytest.approx(9.02)
    assert gain("accuracy", "synthia", "carla") == pytest.approx(6.64)


def test_an_oracle_is_every_as_and_what_is_not_printed_is_none():
    for a in ("carla", "synthia"):
        assert published_row("table1", a, "cityscapes", method="oracle")["miou"] == 68.02
        assert published_row("table2", a, "cityscapes", method="oracle")["abs_rel"] == 0.176
    assert published_row("table2", "carla", "kitti", method="oracle")["abs_rel"] == 0.265
    for table in ("table1", "table2"):
        assert published_row(table, "synthia", "carla", method="oracle") is None
        assert all("a" not in row for row in published(table) if row["method"] == "oracle")
    assert published_row("table1", "carla", "kitti", method="atdt") is None
    assert all(published(table) for table in TABLES)
