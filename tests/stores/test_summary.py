import json

import numpy as np

from atdt.stores import describe, open_store


def test_what_a_store_holds(kit, finished):
    told = describe(finished)
    assert json.loads(json.dumps(told)) == told
    assert (told["samples"], told["images"], told["views"], told["blocks"]) == (10, 10, 2, 3)
    assert (told["domain"], told["plan"]) == (kit.domain, kit.plan)
    assert list(told["arrays"]) == [
        "level2/depth",
        "level4/depth",
        "level4/semantic",
        "labels/semantic",
    ]
    array = told["arrays"]["level4/depth"]
    assert (array["status"], array["problem"], array["committed"]) == ("complete", None, 3)
    assert (array["shape"], array["dtype"], array["bytes"]) == ([10, 3, 2, 5], "float16", 600)
    assert array["provenance"] == kit.provenance
    stored = kit.values().astype(np.float16).astype(np.float64)
    means = stored.mean(axis=(0, 2, 3))
    np.testing.assert_allclose(
        list(array["statistics"]["mean"].values()), [means.min(), np.median(means), means.max()]
    )
    assert array["statistics"]["constant_channels"] == 0
    assert told["arrays"]["labels/semantic"]["statistics"] is None
    files = [path for path in finished.rglob("*") if path.is_file()]
    assert told["bytes_on_disk"] == sum(path.stat().st_size for path in files)


def test_constant_channels_are_counted(kit):
    store, values = kit.store(), kit.values()
    values[:, 1] = 0
    kit.write(store, values)
    statistics = describe(store.path)["arrays"]["level4/depth"]["statistics"]
    assert (statistics["constant_channels"], statistics["channels"]) == (1, 3)


def test_incomplete_and_damaged_arrays_are_told_as_they_are(kit, finished):
    path = kit.copy(finished)
    store = open_store(path)
    with store.feature_writer("level4", "third", (3, 2, 5), "float16", kit.provenance) as writer:
        kit.fill(writer, store, kit.values(), [2])
    (path / "level4/depth/c/1/0/0/0").unlink()
    kit.flip(path / "level4/semantic/ledger.jsonl", 2)
    arrays = describe(path)["arrays"]
    third, depth, semantic = (arrays[f"level4/{n}"] for n in ("third", "depth", "semantic"))
    assert (third["status"], third["committed"], third["bytes"]) == ("incomplete", 1, 120)
    assert third["statistics"] is None
    assert "incomplete, 1 of 3" in third["problem"]
    assert depth["status"] == "complete"
    assert "c/1/0/0/0: it is missing" in depth["problem"]
    assert (semantic["status"], semantic["committed"]) == ("incomplete", 0)
    assert "line 1 of its ledger" in semantic["problem"]
    assert "shape" not in semantic
