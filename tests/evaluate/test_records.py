"""What is written is what is loaded; what was changed is refused."""

import numpy as np
import pytest

from atdt.errors import UserError
from atdt.evaluate.records import Measured, load_measured, records_path, write_measured
from atdt.texts import read_json, write_json


@pytest.fixture
def measured(tmp_path, domain) -> Measured:
    info = {"schema": 1, "task": "edges", "label_space": domain.label_space.to_dict()}
    stack = {"mae": np.array([0.25, np.nan]), "pixels": np.array([6, 0])}
    return Measured(tmp_path / "p" / "metrics.json", info, ("a/ä.png", "b.png"), stack)


def test_records_come_back_as_they_were(measured):
    assert write_measured(measured) == measured.path
    for place in (measured.path, measured.path.parent):
        loaded = load_measured(place)
        assert loaded.images == measured.images
        assert loaded.space == measured.space
        assert loaded.task.name == "edges"
        for key, values in measured.stack.items():
            np.testing.assert_array_equal(loaded.stack[key], values)
        assert loaded.scores(np.ones((1, 2)))["mae"].tolist() == [0.25]
    assert not np.load(records_path(measured.path), allow_pickle=False)["image"].dtype.hasobject


def test_each_metrics_file_has_records_of_its_own(measured):
    folder = measured.path.parent
    assert records_path(folder / "metrics.json") == folder / "records.npz"
    assert records_path(folder / "night.json") == folder / "night.records.npz"


def test_changed_or_absent_records_are_refused(measured):
    records = records_path(write_measured(measured))
    records.write_bytes(records.read_bytes() + b"x")
    with pytest.raises(UserError, match=r"records\.npz: absent or changed"):
        load_measured(measured.path)
    records.unlink()
    with pytest.raises(UserError, match=r"records\.npz: absent or changed"):
        load_measured(measured.path)


def test_what_are_no_metrics_is_refused(measured):
    with pytest.raises(UserError, match="no such file"):
        load_measured(measured.path.parent / "metrics.json")
    write_measured(measured)
    write_json(measured.path, read_json(measured.path) | {"schema": 2})
    with pytest.raises(UserError, match="not metrics of schema 1"):
        load_measured(measured.path)


def test_records_outside_of_the_folder_are_refused(measured):
    write_measured(measured)
    info = read_json(measured.path)
    info["records"]["file"] = "../records.npz"
    write_json(measured.path, info)
    with pytest.raises(UserError, match=r"without '\.\.'"):
        load_measured(measured.path)
