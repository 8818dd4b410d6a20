import numpy as np
import pytest
import xarray

from atdt.errors import StoreError
from atdt.stores import open_dataset, open_store


def test_a_level_with_the_samples_as_coordinates(kit, finished):
    dataset = open_dataset(finished, "level4")
    table = kit.table()
    assert set(dataset.data_vars) == {"depth", "semantic"}
    assert set(dataset.coords) == {"sample_id", "image", "view", "flip", "box", "size"}
    assert dataset.sample_id.values.tolist() == table.sample_id.tolist()
    assert dataset.depth.dims == ("sample", "depth_channel", "depth_y", "depth_x")
    assert dataset.depth.chunks == ((4, 4, 2), (3,), (2,), (5,))
    assert (dataset.depth.units, dataset.box.units) == ("1", "pixel")
    assert dataset.depth.max_abs == kit.values().max()
    assert (dataset.attrs["plan"], dataset.attrs["level"]) == (kit.plan, "level4")
    for name, seed in (("depth", 0), ("semantic", 1)):
        expected = kit.values(seed=seed).astype(np.float16)
        np.testing.assert_array_equal(dataset[name].values, expected)
        plain = dataset[name][dataset.view == 0, 1, ::-1]
        np.testing.assert_array_equal(plain.values, expected[:5, 1, ::-1])


def test_labels_and_chosen_names(finished):
    labels = open_dataset(finished, "labels")
    assert labels.semantic.dims == ("sample", "label_y", "label_x")
    assert not labels.semantic.values.any()
    assert list(open_dataset(finished, "level4", ["semantic"]).data_vars) == ["semantic"]


def test_statistics_run_on_it(kit, finished):
    mean = open_dataset(finished, "level4").depth.mean(("sample", "depth_y", "depth_x"), dtype="f8")
    recorded = open_store(finished).features("level4", "depth").statistics["mean"]
    np.testing.assert_allclose(mean.values, recorded)


def test_what_is_not_there_and_what_is_incomplete(kit, finished):
    with pytest.raises(StoreError, match=r"no level 'level9' \(it has: level2, level4, labels\)"):
        open_dataset(finished, "level9")
    path = kit.copy(finished)
    store = open_store(path)
    store.feature_writer("level4", "third", (1, 1, 1), "float16", {}).close()
    with pytest.raises(StoreError, match="level4/third: incomplete, 0 of 3"):
        open_dataset(path, "level4")
    assert len(open_dataset(path, "level4", ["depth"])) == 1


def test_damage_is_found_when_it_is_read(kit, finished):
    path = kit.copy(finished)
    dataset = open_dataset(path, "level4")
    kit.flip(path / "level4/depth/c/1/0/0/0", 3)
    dataset.depth[:4].load()
    with pytest.raises(StoreError, match=r"c/1/0/0/0: sample 0 .*--resume"):
        dataset.depth.load()


def test_plain_xarray_opens_every_group_without_a_warning(kit, finished):
    """Warnings are errors here; a stray file in a group, say, would give one."""
    root = xarray.open_zarr(finished, consolidated=False)
    assert root.image.values.tolist() == kit.table().image.tolist()
    for group, name in [("level4", "depth"), ("level2", "depth"), ("labels", "semantic")]:
        values = xarray.open_zarr(finished, group=group, consolidated=False)[name].values
        np.testing.assert_array_equal(values, open_dataset(finished, group)[name].values)
    tree = xarray.open_datatree(finished, engine="zarr", consolidated=False).load()
    assert set(tree.children) == {"level2", "level4", "labels"}
    assert tree["level4/semantic"].shape == (10, 3, 2, 5)
