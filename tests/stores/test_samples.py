import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.errors import StoreError
from atdt.stores import SampleTable


def test_columns_have_the_documented_types_and_cannot_be_changed(kit):
    table = kit.table(5)
    kinds = {name: getattr(table, name).dtype.kind for name in ("sample_id", "image", "flip")}
    assert kinds == {"sample_id": "T", "image": "T", "flip": "b"}
    assert (table.view.dtype, table.box.dtype, table.size.dtype) == (np.int16, np.int32, np.int32)
    assert (table.box.shape, table.size.shape, len(table)) == ((5, 4), (5, 2), 5)
    with pytest.raises(ValueError, match="read-only"):
        table.view[0] = 3


@given(
    column=st.sampled_from(["sample_id", "image", "view", "flip", "box", "size"]),
    sample=st.integers(0, 4),
)
@settings(deadline=None)
def test_any_changed_value_changes_the_digest(kit, column, sample):
    table = kit.table(5)
    values = getattr(table, column).copy()
    flipped = {"U": "other", "b": not values.flat[sample]}
    values[sample] = flipped.get(values.dtype.kind, 77)
    changed = dataclasses.replace(table, **{column: values})
    assert changed.digest() != table.digest()
    assert kit.table(5).digest() == table.digest()


def test_moving_letters_between_names_changes_the_digest():
    rest = {
        "view": [0, 0],
        "flip": [False] * 2,
        "box": np.ones((2, 4)),
        "size": np.ones((2, 2)),
    }
    one = SampleTable(sample_id=["ab", "c"], image=["x", "y"], **rest)
    other = SampleTable(sample_id=["a", "bc"], image=["x", "y"], **rest)
    assert one.digest() != other.digest()


@pytest.mark.parametrize(
    "image", ["../b.png", "a/../../b.png", "/etc/passwd", "a\\..\\b", "C:/b.png", "\\b", ""]
)
def test_image_paths_that_leave_the_root_are_refused(kit, image):
    table = kit.table(2)
    with pytest.raises(StoreError, match="must be a path below"):
        dataclasses.replace(table, image=["a.png", image])


def test_other_refusals(kit):
    table = kit.table(3)
    with pytest.raises(StoreError, match="'a' comes twice"):
        dataclasses.replace(table, sample_id=["a", "b", "a"])
    with pytest.raises(StoreError, match=r"'box' has shape \(3, 3\), not \(3, 4\)"):
        dataclasses.replace(table, box=np.zeros((3, 3)))
    with pytest.raises(StoreError, match="at least one sample"):
        SampleTable([], [], [], [], np.zeros((0, 4)), np.zeros((0, 2)))
