import json

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.codecs import Crc32cCodec
from zarr.storage import MemoryStore

from atdt.errors import StoreError
from atdt.stores import create, create_store, open_store
from atdt.stores.checks import ROOT_LEDGER
from atdt.stores.metadata import encoded_strings, root_files, strict_zarr, vector_files
from atdt.stores.samples import STRING


def make(kit, path, samples=10, *, plan=None, domain=None, per_shard=4, **options):
    return create_store(
        path,
        kit.table(samples),
        kit.plan | (plan or {}),
        kit.domain | (domain or {}),
        per_shard,
        **options,
    )


def test_what_is_created_is_opened(kit):
    store = kit.store(10, 4)
    again = open_store(store.path)
    assert (again.plan, again.domain) == (kit.plan, kit.domain)
    assert (again.samples_per_shard, again.blocks, again.levels()) == (4, 3, [])
    assert again.samples.digest() == kit.table(10).digest()
    assert again.samples.image[3] == "a/é3.png"
    assert (again.block_range(0), again.block_range(2)) == ((0, 4), (8, 10))


def test_a_root_is_a_pure_function_of_what_it_says(kit):
    assert kit.files(kit.store().path) == kit.files(kit.store().path)
    assert sorted(name for name, _ in root_files(kit.table(), {})) == vector_files()


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_strings_are_encoded_as_zarr_encodes_them(texts):
    content = {}
    with strict_zarr():
        array = zarr.create_array(
            MemoryStore(content),
            shape=(len(texts),),
            dtype=str,
            compressors=[Crc32cCodec()],
            filters=None,
            chunks=(len(texts),),
        )
        array[...] = np.array(texts, dtype=STRING)
    assert encoded_strings(np.array(texts, dtype=STRING)) == content["c/0"].to_bytes()


def test_the_same_plan_opens_what_is_there_and_keeps_its_shards(kit):
    store = kit.store(10, 4)
    before = kit.files(store.path)
    again = make(kit, store.path, per_shard=7, domain={"root": "/moved"})
    assert again.samples_per_shard == 4
    assert kit.files(store.path) == before


def test_fewer_samples_than_a_shard_holds(kit):
    assert kit.store(3, 100).samples_per_shard == 3


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"plan": {"seed": 4}}, "plan.seed: store has 3, run has 4"),
        ({"plan": {"flip": True}}, "plan.flip: store has nothing, run has true"),
        ({"domain": {"split": "val"}}, "domain split: store has train, run has val"),
        ({"domain": {"digest": "e" * 64}}, "domain digest: store has dddddddddddd…"),
        ({"samples": 9}, "samples_sha256: store has"),
    ],
)
@pytest.mark.parametrize("resume", [False, True])
def test_another_plan_is_refused_with_the_difference(kit, changes, difference, resume):
    path = kit.store().path
    with pytest.raises(StoreError, match=difference):
        make(kit, path, **changes, resume=resume)


def test_a_folder_that_is_something_else_is_left_alone(kit, tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match=r"holds thesis\.tex"):
        kit.store(path=tmp_path)
    assert kit.files(tmp_path) == {"thesis.tex": b"x"}
    with pytest.raises(StoreError, match="exists and is not a feature store"):
        kit.store(path=tmp_path / "thesis.tex")
    other = tmp_path / "other"
    other.mkdir()
    (other / "zarr.json").write_text('{"zarr_format": 3, "attributes": {}}')
    with pytest.raises(StoreError, match=r"holds zarr\.json"):
        kit.store(path=other)
    kit.store(path=tmp_path / "new" / "a.zarr")


def test_a_store_may_lie_behind_a_link_that_leads_somewhere(kit, tmp_path):
    link = tmp_path / "a.zarr"
    link.symlink_to(tmp_path / "disk")
    with pytest.raises(StoreError, match="exists and is not a feature store"):
        kit.store(path=link)
    (tmp_path / "disk").mkdir()
    kit.write(kit.store(path=link), kit.values())
    assert open_store(link).status("level4", "depth") == "complete"


def test_an_empty_folder_may_be_used(kit, tmp_path):
    assert kit.store(path=tmp_path).blocks == 3


def test_a_creation_stopped_anywhere_is_refused_by_readers_and_made_again(kit, monkeypatch):
    expected = kit.files(kit.store().path)
    write, stops = create.write_atomic, 0
    while True:
        path, left = kit.folder() / "a.zarr", [stops]

        def stop_later(*arguments, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return write(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(create, "write_atomic", stop_later)
            patch.setattr("atdt.stores.ledger.write_atomic", stop_later)
            try:
                kit.store(path=path)
            except KeyboardInterrupt:
                (path / ".zarr.json.x.partial").write_text("{")
                if (path / "view/c").is_dir():
                    (path / "view/c/.0.x.partial").write_text("{")
            else:
                break
        with pytest.raises(StoreError, match=r"not a feature store|stopped half-way"):
            open_store(path)
        kit.store(path=path)
        assert kit.files(path) == expected
        stops += 1
    assert stops == len(expected)


@pytest.mark.parametrize("with_arrays", [False, True])
@pytest.mark.parametrize("damage", ["flip", "delete"])
def test_any_damaged_file_of_the_root_is_found_and_mended(kit, finished, with_arrays, damage):
    whole = finished if with_arrays else kit.store().path
    expected = kit.files(whole)
    for name in [*vector_files(), ROOT_LEDGER]:
        path = kit.copy(whole)
        if damage == "flip":
            kit.flip(path / name, len(expected[name]) // 2)
        else:
            (path / name).unlink()
        with pytest.raises(StoreError, match=r"damaged|missing|ledger|half-way"):
            open_store(path)
        if with_arrays or damage == "flip":
            with pytest.raises(StoreError, match=r"damaged|missing|ledger|half-way"):
                make(kit, path)
        make(kit, path, resume=True)
        assert kit.files(path) == expected


def test_mending_refuses_to_turn_a_store_into_another(kit, finished):
    path = kit.copy(finished)
    kit.flip(path / "zarr.json", 200)
    kit.flip(path / ROOT_LEDGER, 30)
    with pytest.raises(StoreError, match="does not make it again"):
        make(kit, path, per_shard=5, resume=True)
    make(kit, path, resume=True)
    assert kit.files(path) == kit.files(finished)


def test_another_schema_says_which(kit, monkeypatch):
    path = kit.folder() / "a.zarr"
    with monkeypatch.context() as patch:
        patch.setattr(create, "SCHEMA", 2)
        with pytest.raises(StoreError, match="schema version 2, and this atdt reads 1"):
            kit.store(path=path)
    with pytest.raises(StoreError, match="schema version 2"):
        kit.store(path=path)


def test_what_is_not_a_store(tmp_path):
    with pytest.raises(StoreError, match="no such store"):
        open_store(tmp_path / "none")
    with pytest.raises(StoreError, match="not a feature store"):
        open_store(tmp_path)
    (tmp_path / "zarr.json").write_text(json.dumps({"attributes": {"format": "other"}}))
    with pytest.raises(StoreError, match="not a feature store"):
        open_store(tmp_path)


def test_a_link_that_leads_out_of_the_store_is_not_followed(kit):
    path = kit.store().path
    outside = kit.folder() / "0"
    (path / "view/c/0").rename(outside)
    (path / "view/c/0").symlink_to(outside)
    with pytest.raises(Exception, match="leads out of"):
        open_store(path)


def test_metadata_that_claims_more_than_the_files_hold_takes_no_memory(kit):
    path = kit.folder() / "a.zarr"
    files = dict(root_files(kit.table(), {}))
    claim = files["view/zarr.json"].replace(b"\n    10\n", b"\n    1000000000000\n")
    claim = claim.replace(b"\n        10\n", b"\n        1000000000000\n")
    assert claim != files["view/zarr.json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            create,
            "root_files",
            lambda samples, attributes: (
                dict(root_files(samples, attributes)) | {"view/zarr.json": claim}
            ).items(),
        )
        kit.store(path=path)
    with pytest.raises(StoreError, match="not laid out"):
        open_store(path)


def test_samples_per_shard_must_be_positive(kit, tmp_path):
    with pytest.raises(StoreError, match="at least 1"):
        kit.store(per_shard=0, path=tmp_path / "a.zarr")
    assert np.size(list(tmp_path.iterdir())) == 0
