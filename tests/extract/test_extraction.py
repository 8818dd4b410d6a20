"""Extraction: the features that networks give, added without harm, and finished after any stop."""

import hashlib
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from atdt.domains import ViewPlan
from atdt.errors import MismatchError, NumericsError, StoreError, UserError
from atdt.extract import extract, plan_extraction
from atdt.extract.samples import Samples
from atdt.stores import open_store
from atdt.stores.writer import FeatureWriter
from atdt.training.load import load_task_network
from tests.made_kills import Killed, dying_after


def shards(path: Path) -> dict[str, str]:
    """Digests of all chunk files of a store."""
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file() and "/c/" in str(file)
    }


def live_features(config, run: Path, level: str) -> np.ndarray:
    """Features of a network, computed on the extraction's own batch grid."""
    from atdt.domains import open_domain

    samples = Samples(open_domain(config.domain), config.plan)
    network = load_task_network(run).network
    parts = []
    for block in range(0, len(samples), config.samples_per_shard):
        stop = min(block + config.samples_per_shard, len(samples))
        for start in range(block, stop, config.batch):
            images = samples.read(start, min(start + config.batch, stop), True, ()).images
            with torch.inference_mode():
                parts.append(network.encode(torch.from_numpy(images), level).numpy())
    return np.concatenate(parts)


def stop_at(monkeypatch, count: int) -> None:
    """Die at the beginning of the write number `count`, counted from 0."""
    monkeypatch.setattr(FeatureWriter, "write", dying_after(count)(FeatureWriter.write))


def test_a_store_holds_what_the_encoders_give_and_the_labels_under_the_same_views(config, networks):
    chosen = config(dtype="float32", labels=("semantic", "depth", "normals"))
    path = extract(chosen)
    store = open_store(path)
    level = load_task_network(networks["n1"]).network.levels[-1]
    assert store.levels() == [level]
    assert store.arrays(level) == ["depth", "semantic"]
    assert store.blocks == 4
    for name, run in (("depth", "n1"), ("semantic", "n2")):
        reader = store.features(level, name)
        np.testing.assert_array_equal(
            reader.read_all(), live_features(chosen, networks[run], level)
        )
    from atdt.domains import open_domain

    wanted = Samples(open_domain(chosen.domain), chosen.plan).read(0, 14, False, store.labels())
    for kind in ("semantic", "depth", "normals"):
        np.testing.assert_array_equal(store.labels_reader(kind).read_all(), wanted.labels[kind])


def test_provenance_says_what_made_the_features(config, networks):
    store = open_store(extract(config()))
    network = load_task_network(networks["n1"]).network
    level = network.levels[-1]
    attrs = store.features(level, "depth").attrs
    assert attrs["encoder_sha256"] == network.weights_digest("encoder", level)
    assert attrs["preprocessing"] == {"mean": list(network.mean), "std": list(network.std)}
    expected = {
        "task": "depth",
        "network": {"name": "tiny", "options": {}},
        "level": level,
        "run": str(networks["n1"].resolve()),
        "device": "cpu",
        "threads": 1,
        "precision": "float32",
        "batch": 3,
    }
    assert {key: attrs[key] for key in expected} == expected
    assert {"versions", "command", "created"} <= set(attrs)
    assert store.plan == config().plan.to_dict()
    assert store.domain["split"] == "train"


def test_float16_is_the_cast_of_the_same_features(config, networks):
    level = load_task_network(networks["n1"]).network.levels[-1]
    half = open_store(extract(config())).features(level, "depth")
    assert half.dtype == np.float16
    live = live_features(config(), networks["n1"], level)
    np.testing.assert_array_equal(half.read_all(), live.astype(np.float16))


def test_several_levels_come_from_one_forward_and_equal_single_ones(config, networks, monkeypatch):
    chosen = config(encoders=((None, networks["n1"]),), levels=("all",), labels=(), dtype="float32")
    network = load_task_network(networks["n1"]).network
    forwards = []
    original = type(network).encode_levels
    monkeypatch.setattr(
        type(network),
        "encode_levels",
        lambda self, images, levels: forwards.append(len(images)) or original(self, images, levels),
    )
    store = open_store(extract(chosen))
    assert sum(forwards) == 14
    monkeypatch.undo()
    assert store.levels() == sorted(network.levels)
    for level in network.levels:
        found = store.features(level, "depth").read_all()
        np.testing.assert_array_equal(found, live_features(chosen, networks["n1"], level))


@pytest.mark.parametrize("kept", [True, False])
def test_each_sample_is_decoded_once_for_all_encoders(config, monkeypatch, kept):
    from atdt.domains import Domain

    decoded, original = [], Domain.image
    monkeypatch.setattr(
        Domain, "image", lambda self, index: decoded.append(index) or original(self, index)
    )
    if not kept:
        monkeypatch.setattr("atdt.extract.samples.KEPT_BYTES", 0)
    extract(config())
    assert set(decoded) == set(range(7))
    # two threads may be at two views of one image at the same time
    assert len(decoded) <= 14 if kept else len(decoded) == 14


def test_an_encoder_is_added_without_touching_the_others(config, networks, monkeypatch):
    path = extract(config(encoders=((None, networks["n1"]),), labels=()))
    before = shards(path)
    files = {f: f.read_bytes() for f in path.rglob("ledger.jsonl")}
    added = (*config().encoders, ("other", networks["other"]))
    extract(config(encoders=added))
    store = open_store(path)
    level = store.levels()[0]
    assert store.arrays(level) == ["depth", "other", "semantic"]
    assert store.labels() == ["semantic"]
    assert {k: v for k, v in shards(path).items() if k in before} == before
    assert all(file.read_bytes() == content for file, content in files.items())
    apart = store.features(level, "other").read_all() != store.features(level, "depth").read_all()
    assert apart.any()


def test_what_is_complete_is_said_and_left_alone(config, monkeypatch):
    path = extract(config())
    before = shards(path)
    monkeypatch.setattr(Samples, "read", lambda *_: pytest.fail("read again"))
    lines = []
    assert extract(config(), say=lines.append) == path
    assert sum("complete, nothing to do" in line for line in lines) == 3
    assert shards(path) == before


@pytest.mark.parametrize("count", [0, 1, 4, 11])
def test_a_stopped_extraction_is_finished_by_resume_to_the_same_bits(
    config, tmp_path, monkeypatch, count
):
    whole = extract(config(out=tmp_path / "whole.zarr"))
    stopped = config()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, count)
        extract(stopped)
    assert not [t for t in threading.enumerate() if t.name.startswith(("writer", "ahead"))]
    level = open_store(whole).levels()[0]
    with pytest.raises(StoreError, match="--resume"):
        open_store(stopped.out).features(level, "semantic")
    with pytest.raises(StoreError, match="--resume"):
        extract(stopped)
    extract(config(resume=True))
    assert shards(stopped.out) == shards(whole)
    for name in ("depth", "semantic"):
        readers = [open_store(path).features(level, name) for path in (whole, stopped.out)]
        for key in readers[0].statistics:
            np.testing.assert_array_equal(*(reader.statistics[key] for reader in readers))


def test_only_encoders_that_miss_a_block_are_run(config, networks, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 4)  # the first block has both encoders and labels, the second only E1
        extract(config())
    seen = []
    network = type(load_task_network(networks["n1"]).network)
    original = network.encode_levels
    monkeypatch.setattr(
        network,
        "encode_levels",
        lambda self, images, levels: seen.append(len(images)) or original(self, images, levels),
    )
    extract(config(resume=True))
    assert sum(seen) == 4 + 2 * (4 + 2)  # E2 of the second block, both of the other two


def test_resume_with_another_batch_is_refused(config, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 3)
        extract(config())
    with pytest.raises(MismatchError, match="batch"):
        extract(config(batch=2, resume=True))


def test_overwrite_replaces_one_array_alone(config, networks):
    path = extract(config())
    level = open_store(path).levels()[0]
    semantic = open_store(path).features(level, "semantic").read_all()
    others = (("depth", networks["other"]), (None, networks["n2"]))
    with pytest.raises(MismatchError, match="encoder"):
        extract(config(encoders=others))
    extract(config(encoders=others, overwrite=("depth",)))
    store = open_store(path)
    live = live_features(config(), networks["other"], level).astype(np.float16)
    np.testing.assert_array_equal(store.features(level, "depth").read_all(), live)
    np.testing.assert_array_equal(store.features(level, "semantic").read_all(), semantic)
    extract(config(encoders=others, overwrite=("labels/semantic",)))


def test_another_plan_or_other_shards_are_refused_with_the_difference(config):
    extract(config())
    with pytest.raises(StoreError, match="views"):
        extract(config(plan=ViewPlan(views=3, seed=3, crop=(16, 20))))
    with pytest.raises(StoreError, match="has 4 samples in a shard"):
        extract(config(samples_per_shard=5))


def test_features_that_are_not_finite_name_their_sample(config, networks, monkeypatch):
    network = type(load_task_network(networks["n1"]).network)
    original = network.encode_levels

    def broken(self, images, levels):
        found = original(self, images, levels)
        if self.decoder is not None and len(images) == 1:  # the last batch of a block of four
            found[levels[0]][0, 0, 0, 0] = float("nan")
        return found

    monkeypatch.setattr(network, "encode_levels", broken)
    with pytest.raises(NumericsError, match=r"image/\d\.png@0"):
        extract(config())


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(config, monkeypatch):
    full = shutil._ntuple_diskusage(10**6, 10**6, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(StoreError, match=r"needs .* and its disk has 1 kB free; make room"):
        extract(config())
    assert not config().out.exists()


def test_a_dry_run_states_sizes_and_time_and_writes_nothing(config, monkeypatch):
    plan = plan_extraction(config())
    planned = plan.estimate
    assert not config().out.exists()
    assert planned.samples == 14
    assert planned.view_size == (16, 20)
    by_path = {array.path: array for array in planned.arrays}
    assert by_path["labels/semantic"].bytes == 14 * 16 * 20
    first = planned.arrays[0]
    assert first.bytes == np.prod(first.shape) * 2
    assert planned.bytes == sum(array.bytes for array in planned.arrays)
    assert plan.seconds > 0
    text = "\n".join(plan.lines)
    for part in ("14 samples of 16x20 pixels", "float16", "to write", "free", "about"):
        assert part in text
    path = extract(config())
    assert sum(f.stat().st_size for f in path.rglob("*") if "/c/" in str(f)) > planned.bytes
    assert plan_extraction(config()).estimate.bytes == 0


def test_bad_images_are_skipped_and_named(config, new_domain, tmp_path):
    spec = new_domain(tmp_path / "bad", [(18, 26)] * 4)
    (tmp_path / "bad/image/2.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"train\.txt:3"):
        extract(config(domain=spec))
    lines = []
    path = extract(config(domain=spec, skip_bad=True), say=lines.append)
    assert any("skipped" in line and "2.png" in line for line in lines)
    assert len(open_store(path).samples) == 6


def test_rounded_features_are_recorded_and_not_mixed_with_others(config):
    path = extract(config(compressor="zstd", keep_bits=3))
    store = open_store(path)
    level = store.levels()[0]
    reader = store.features(level, "depth")
    assert reader.attrs["keep_bits"] == 3
    mantissas = np.frexp(reader.read_all().astype(np.float32))[0] * 2**4
    np.testing.assert_array_equal(mantissas, np.round(mantissas))
    with pytest.raises(MismatchError, match="keep_bits: store has 3, run has nothing"):
        extract(config(compressor="zstd"))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"keep_bits": 3}, "saves nothing without a compressor"),
        ({"keep_bits": 10, "compressor": "zstd"}, "can be rounded to 1 … 9 bits"),
        ({"keep_bits": 0, "compressor": "zstd"}, "can be rounded to 1 … 9 bits"),
    ],
)
def test_rounding_that_makes_no_sense_is_refused_before_anything_is_made(config, options, message):
    with pytest.raises(StoreError, match=message):
        extract(config(**options))
    assert not config().out.exists()
