"""A store made when schema version 1 began: what is kept today must be readable for good.

`make_golden.py` made it, once. What it must hold is computed here by formulas, sample by sample,
and not by any code of the store; other readers of Zarr must find the same.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorstore
import xarray
import zarr
import zarrs  # noqa: F401 – its codec pipeline, which zarr is told of by name

from atdt.errors import StoreError
from atdt.stores import create_store, open_dataset, open_store, verify_store

GOLDEN = Path(__file__).parent / "data" / "golden-v1.zarr"
SAMPLES = 8


def count(shape):
    """0, 1, 2 … in C order over (sample, …)."""
    return np.arange(SAMPLES * np.prod(shape)).reshape(SAMPLES, *shape)


def sevenths(shape, dtype):
    """(n mod 41 − 17) / 7, rounded to float32 and then to `dtype`, as an encoder's output is."""
    numbers = [np.float32((n % 41 - 17) / 7) for n in count(shape).ravel().tolist()]
    return np.array(numbers, np.float32).reshape(SAMPLES, *shape).astype(dtype)


def classes(n):
    return 255 if n % 6 == 5 else n % 6


EXPECTED = {
    "level4/depth": sevenths((3, 2, 3), "float16"),
    "level4/semantic": sevenths((2, 2, 3), "float16"),
    "level2/depth": sevenths((2, 4, 6), "float32"),
    "labels/semantic": np.vectorize(classes, otypes=["uint8"])(count((4, 6))),
    "labels/depth": (count((4, 6)) % 23 / 3).astype("float32"),
}
COMPRESSORS = {
    "level4/depth": "none",
    "level4/semantic": "zstd",
    "level2/depth": "lz4",
    "labels/semantic": "zstd",
    "labels/depth": "none",
}
VECTORS = {
    "sample_id": [f"straße{i}#{view}" for view in (0, 1) for i in range(4)],
    "image": [f"ü/画像{i}.png" for _ in (0, 1) for i in range(4)],
    "view": [0, 0, 0, 0, 1, 1, 1, 1],
    "flip": [False, False, False, False, True, False, False, True],
    "box": [[view, 2 * i, 8, 12] for view in (0, 1) for i in range(4)],
    "size": [[16, 20 + i] for _ in (0, 1) for i in range(4)],
}
ARRAYS = pytest.mark.parametrize("name", list(EXPECTED))


def assert_same(found, expected):
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes()


def reader(store, name):
    group, array = name.split("/")
    return store.labels_reader(array) if group == "labels" else store.features(group, array)


def test_nothing_is_wrong_with_it():
    report = verify_store(GOLDEN)
    assert (report.problems, report.arrays_checked) == ((), len(EXPECTED))


@ARRAYS
def test_every_array_is_read_to_the_bit(name):
    opened = reader(open_store(GOLDEN), name)
    expected = EXPECTED[name]
    assert_same(opened.read_all(progress=False), expected)
    ranges = [opened.block_range(block) for block in range(opened.blocks)]
    assert ranges == [(0, 3), (3, 6), (6, 8)]
    for block, (start, stop) in enumerate(ranges):
        assert_same(opened.read_block(block), expected[start:stop])
    assert opened.attrs["compressor"] == COMPRESSORS[name]
    if expected.dtype.kind == "f":
        channels = expected.reshape(SAMPLES, -1, *expected.shape[-2:]).astype(np.float64)
        mean, variance = channels.mean(axis=(0, 2, 3)), channels.var(axis=(0, 2, 3))
        np.testing.assert_allclose(opened.statistics["mean"], mean, rtol=1e-6)
        np.testing.assert_allclose(opened.statistics["variance"], variance, rtol=1e-6)


def test_samples_plan_and_provenance():
    store = open_store(GOLDEN)
    for name, values in VECTORS.items():
        assert getattr(store.samples, name).tolist() == values
    assert store.plan == {"views": 2, "seed": 7, "crop": [8, 12]}
    assert store.domain == {"name": "golden", "split": "train", "digest": "0f" * 32}
    assert (store.levels(), store.labels()) == (["level2", "level4"], ["depth", "semantic"])
    attributes = store.attributes("level4", "semantic")
    assert (attributes["encoder_sha256"], attributes["schema"]) == ("5a" * 32, 1)


@ARRAYS
def test_xarray_opens_it_without_a_warning(name):
    group, array = name.split("/")
    tree = xarray.open_datatree(GOLDEN, engine="zarr", consolidated=False)
    for opened in (
        xarray.open_zarr(GOLDEN, group=group, consolidated=False)[array],
        tree[name],
        open_dataset(GOLDEN, group)[array],
    ):
        found = opened.values
        if name == "labels/semantic" and found.dtype.kind == "f":  # xarray takes 255 for missing
            found = np.where(np.isnan(found), 255, found).astype("uint8")
        assert_same(found, EXPECTED[name])
    assert tree.image.values.tolist() == VECTORS["image"]


@ARRAYS
def test_zarrs_reads_the_same(name):
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        array = zarr.open_array(GOLDEN / name, mode="r")
        assert type(array._async_array.codec_pipeline).__name__ == "ZarrsCodecPipeline"
        assert_same(array[...], EXPECTED[name])


@pytest.mark.parametrize("name", [*EXPECTED, "view", "flip", "box", "size"])
def test_tensorstore_reads_the_same(name):
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(GOLDEN / name)}}
    array = tensorstore.open(spec, open=True, read=True).result()
    found = array.read().result()
    if name in EXPECTED:
        assert_same(found, EXPECTED[name])
    else:
        assert found.tolist() == VECTORS[name]


def test_what_is_added_later_leaves_the_rest_as_it_was(kit):
    path = kit.copy(GOLDEN)
    before = kit.files(path)
    old = open_store(GOLDEN)
    # The table and the plan of a later `atdt extract` give the same root, and nothing to mend.
    store = create_store(path, old.samples, old.plan, old.domain, 3, resume=True)
    values = kit.values(SAMPLES)
    kit.write(store, values, name="third")
    kit.write(store, values, level="level1", dtype="float32", compressor="lz4")
    after = kit.files(path)
    assert {name: after[name] for name in before} == before
    assert verify_store(path).problems == ()
    assert_same(store.features("level4", "third").read_all(), values.astype(np.float16))
    assert_same(store.features("level4", "depth").read_all(), EXPECTED["level4/depth"])


def test_damage_in_it_is_mended_by_todays_writer(kit):
    path = kit.copy(GOLDEN)
    kit.flip(path / "level4/depth/c/1/0/0/0", 5)
    (path / "level4/depth/zarr.json").unlink()
    store = open_store(path)
    provenance = json.loads((GOLDEN / "level4/depth/zarr.json").read_text())["attributes"]
    own = ("schema", "units", "compressor")
    provenance = {key: value for key, value in provenance.items() if key not in own}
    with store.feature_writer(
        "level4", "depth", (3, 2, 3), "float16", provenance, resume=True
    ) as writing:
        assert writing.missing_blocks() == [1]
        kit.fill(writing, store, EXPECTED["level4/depth"])
        writing.finish()
    assert verify_store(path).problems == ()
    assert_same(store.features("level4", "depth").read_all(), EXPECTED["level4/depth"])


def test_another_schema_is_refused_with_a_clear_word(kit):
    path = kit.copy(GOLDEN)
    root = json.loads((path / "zarr.json").read_text())
    root["attributes"]["schema"] = 2
    (path / "zarr.json").write_text(json.dumps(root))
    (path / "sample_id/ledger.jsonl").unlink()  # whose seals only that version could make
    with pytest.raises(
        StoreError, match="schema version 2, and this atdt reads 1; use the version"
    ):
        open_store(path)
