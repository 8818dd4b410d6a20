"""Stores from strangers, whole by their own ledgers: what they claim is looked at before use.

Links: tests/stores/test_{create,reader,verify,writer}.py; names of images: test_samples.py.
"""

import hashlib
import json
import shutil
import struct

import numpy as np
import pytest
from crc32c import crc32c
from numcodecs import Blosc, Zstd

from atdt.errors import StoreError, UserError
from atdt.stores import SampleTable, create_store, describe, open_dataset, open_store, verify_store
from atdt.stores import blocks as blocks_module
from atdt.stores.checks import ROOT_LEDGER
from atdt.stores.frames import zstd_bytes
from atdt.stores.layout import LEDGER, METADATA, shard_path
from atdt.stores.ledger import block_records, read_ledger, seal, write_ledger
from atdt.stores.shards import block_digest

ITEM = (3, 2, 5)
BOMB = 2**27  # bytes that a chunk of a few kB expands to
NAMES = {"plain": "none", "zstd": "zstd", "blosc": "lz4"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A store of four samples in one block, an array for each compressor."""
    path = tmp_path_factory.mktemp("sound") / "a.zarr"
    table = SampleTable(
        sample_id=list("abcd"),
        image=[f"{name}.png" for name in "abcd"],
        view=[0] * 4,
        flip=[False] * 4,
        box=[[0, 0, 4, 6]] * 4,
        size=[[4, 6]] * 4,
    )
    store = create_store(path, table, {"views": 1}, {"name": "a"}, 4)
    values = np.ones((4, *ITEM), np.float32)
    for name, compressor in NAMES.items():
        given = {"compressor": compressor}
        with store.feature_writer("level4", name, ITEM, "float16", {}, **given) as writer:
            writer.write_block(0, values)
            writer.finish()
    return path


@pytest.fixture
def store(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "a.zarr")


def forge(path, name, change=lambda metadata: None, *, header=None, block=None, complete=None):
    """Change an array's metadata and ledger so that every digest fits, as a stranger would."""
    folder = path / "level4" / name
    ledger = read_ledger(folder / LEDGER)
    metadata = json.loads((folder / METADATA).read_text())
    change(metadata)
    text = json.dumps(metadata)
    (folder / METADATA).write_text(text)
    files = {**ledger.header["files"]}
    files[f"level4/{name}/{METADATA}"] = hashlib.sha256(text.encode()).hexdigest()
    changed = {**ledger.header, "metadata": text, "files": files, **(header or {})}
    (record,) = block_records(folder / LEDGER, [ledger.places[0]])
    line = seal({**record, **(block or {})})
    last = {key: value for key, value in ledger.complete.items() if key not in ("kind", "lines")}
    write_ledger(folder / LEDGER, changed, [line], last | (complete or {}))


def refuse(path, name, part=""):
    """Every reader refuses the array in one line that names it; `inspect` and `verify` say so."""
    where = rf"level4/{name}.*{part}"
    with pytest.raises(UserError, match=where):
        open_store(path).features("level4", name).read_all(progress=False)
    with pytest.raises(UserError, match=where):
        open_dataset(path, "level4", [name])[name].compute(scheduler="synchronous")
    problems = verify_store(path).problems
    assert any(f"level4/{name}" in problem for problem in problems)
    assert all("\n" not in problem and len(problem) < 2000 for problem in problems)
    json.dumps(describe(path), indent=2)


def codecs(metadata):
    return metadata["codecs"][0]["configuration"]["codecs"]


METADATA_CHANGES = {
    "a codec of numcodecs": lambda m: codecs(m).insert(1, {"name": "numcodecs.pickle"}),
    "a filter": lambda m: codecs(m).insert(
        0, {"name": "numcodecs.delta", "configuration": {"dtype": "<f2"}}
    ),
    "an unknown codec": lambda m: codecs(m).insert(1, {"name": "os.system"}),
    "an option of a codec": lambda m: codecs(m).insert(
        1, {"name": "zstd", "configuration": {"level": 1, "evil": 1}}
    ),
    "a level of a codec": lambda m: codecs(m).insert(
        1, {"name": "zstd", "configuration": {"level": 10**30, "checksum": False}}
    ),
    "storage transformers": lambda m: m.update(storage_transformers=[{"name": "evil"}]),
    "an extension": lambda m: m.update(evil={"name": "evil", "must_understand": True}),
    "another dtype": lambda m: m.update(data_type="string"),
    "samples": lambda m: m["shape"].__setitem__(0, 10**15),
    "channels": lambda m: m["shape"].__setitem__(1, 10**15),
    "consistent channels": lambda m: [
        sides.__setitem__(1, 2**40)
        for sides in (
            m["shape"],
            m["chunk_grid"]["configuration"]["chunk_shape"],
            m["codecs"][0]["configuration"]["chunk_shape"],
        )
    ],
    "samples per shard": lambda m: m["chunk_grid"]["configuration"]["chunk_shape"].__setitem__(
        0, 10**15
    ),
    "no samples per shard": lambda m: m["chunk_grid"]["configuration"]["chunk_shape"].__setitem__(
        0, 0
    ),
    "places of chunks": lambda m: m["chunk_key_encoding"].update(name="v2"),
    "dimensions": lambda m: m.update(dimension_names=["sample"] * 4),
    "attributes": lambda m: m.update(attributes=[]),
    "no shape": lambda m: m.pop("shape"),
    "depth": lambda m: m["attributes"].update(a=json.loads("[" * 200 + "]" * 200)),
}


@pytest.mark.parametrize("change", METADATA_CHANGES)
def test_metadata_that_names_what_no_array_of_ours_has(store, frugal, change):
    describe(store)  # what is imported on first use is not counted
    forge(store, "plain", METADATA_CHANGES[change])
    with frugal():
        refuse(store, "plain")


@pytest.mark.parametrize("change", METADATA_CHANGES)
def test_metadata_that_is_not_the_ledgers_copy(store, frugal, change):
    describe(store)
    text = read_ledger(store / "level4/plain" / LEDGER).header["metadata"]
    forge(store, "plain", METADATA_CHANGES[change], header={"metadata": text})
    with frugal():
        refuse(store, "plain", "extract it again")


@pytest.mark.parametrize(
    "fault",
    [
        {"block": {"block": 10**15}},
        {"block": {"block": -1}},
        {"block": {"bytes": "many"}},
        {"block": {"bytes": 10**15}},
        {"block": {"digest": None}},
        {"block": {"statistics": {"mean": "no"}}},
        {"complete": {"statistics": {"mean": ["no"]}}},
        {"complete": {"statistics": []}},
        {"header": {"metadata": '{"shape": [1]}'}},
        {"header": {"files": {"zarr.json": ["no"]}}},
    ],
)
def test_ledgers_that_are_whole_and_say_nonsense(store, frugal, fault):
    describe(store)
    forge(store, "plain", **fault)
    with frugal():
        refuse(store, "plain")


def sealed(body):
    return body[:-1] + b',"seal":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


@pytest.mark.parametrize("kind", ["deep", "digits", "endless", "pipe"])
def test_ledgers_that_no_reader_can_take(store, frugal, deep, kind):
    describe(store)
    path = store / "level4/plain" / LEDGER
    if kind in ("deep", "digits"):
        path.write_bytes(sealed(deep.encode() if kind == "deep" else b'{"a":' + b"9" * 5000 + b"}"))
    elif kind == "endless":
        with path.open("wb") as file:
            file.truncate(2**40)
    else:
        import os

        path.unlink()
        os.mkfifo(path)
    with frugal():
        refuse(store, "plain")


@pytest.mark.parametrize("name", [LEDGER, METADATA])
def test_links_in_place_of_files_are_not_followed(store, tmp_path, name):
    target = tmp_path / "outside"
    (store / "level4/plain" / name).rename(target)
    (store / "level4/plain" / name).symlink_to(target)
    refuse(store, "plain")


def test_a_link_in_place_of_an_array_is_not_followed(store, tmp_path):
    (store / "level4/plain").rename(tmp_path / "outside")
    (store / "level4/plain").symlink_to(tmp_path / "outside")
    with pytest.raises(UserError, match="leads out"):
        open_store(store).features("level4", "plain")
    assert any("leads out" in problem for problem in verify_store(store).problems)


def shard_of(chunks):
    """A shard's bytes, and the checksums of its chunks."""
    sums = [crc32c(chunk) for chunk in chunks]
    parts = [chunk + struct.pack("<I", one) for chunk, one in zip(chunks, sums, strict=True)]
    offsets = np.cumsum([0, *(len(part) for part in parts[:-1])])
    index = b"".join(
        struct.pack("<QQ", offset, len(part)) for offset, part in zip(offsets, parts, strict=True)
    )
    return b"".join(parts) + index + struct.pack("<I", crc32c(index)), np.array(sums, "<u4")


def plant(path, name, chunk):
    """Put a chunk in the place of the first sample, with all checksums and digests made to fit."""
    codec = Zstd() if name == "zstd" else Blosc(cname="lz4")
    data, sums = shard_of([chunk, *[codec.encode(np.ones(ITEM, np.float16))] * 3])
    shard_path(path / "level4" / name, 0, 4).write_bytes(data)
    forge(path, name, block={"bytes": len(data), "digest": block_digest(sums)})


def lying(head, place, length):
    return head[:place] + (2**40 if length == 8 else 2**31 - 1).to_bytes(length, "little")


@pytest.mark.parametrize("name", ["zstd", "blosc"])
def test_a_chunk_that_expands_to_more_than_a_sample_is_not_decoded(
    store, frugal, name, monkeypatch
):
    open_store(store).features("level4", name).read_all(progress=False)
    codec = Zstd() if name == "zstd" else Blosc(cname="lz4")
    plant(store, name, codec.encode(np.zeros(BOMB, np.uint8)))
    with frugal():
        refuse(store, name, "does not expand to 60 bytes")
    # It does bite who decodes it: the test could fail.
    monkeypatch.setattr(blocks_module, "check_frames", lambda *_: None)
    with pytest.raises(AssertionError, match="bytes"), frugal(), pytest.raises(StoreError):
        open_store(store).features("level4", name).read_all(progress=False)


@pytest.mark.parametrize(
    ("name", "chunk"),
    [
        ("zstd", b"\x28\xb5\x2f\xfd\xe0" + (2**60).to_bytes(8, "little") + b"\x01\x00\x00"),
        ("zstd", b"\x28\xb5\x2f\xfd\x00\x58\x01\x00\x00"),  # does not say how much
        ("zstd", b"no zstd at all"),
        ("zstd", b""),
        ("blosc", struct.pack("<4B3I", 2, 1, 0, 2, 2**31 - 1, 2**20, 16)),
        ("blosc", b"short"),
    ],
)
def test_heads_that_lie_take_no_memory(store, frugal, name, chunk):
    open_store(store).features("level4", name)
    plant(store, name, chunk)
    with frugal():
        refuse(store, name, "does not expand")


@pytest.mark.parametrize("size", [0, 60, 255, 256, 65791, 65792, 10**6])
def test_what_a_frame_says_is_what_it_holds(size):
    assert zstd_bytes(bytes(Zstd(level=1).encode(bytes(size)))[:18]) == size


def test_a_sample_too_large_for_its_file_takes_no_memory(store, frugal):
    def widen(metadata):
        for sides in (
            metadata["shape"],
            metadata["chunk_grid"]["configuration"]["chunk_shape"],
            metadata["codecs"][0]["configuration"]["chunk_shape"],
        ):
            sides[1] = 2**26

    describe(store)
    forge(store, "zstd", widen)
    with frugal():
        refuse(store, "zstd", "too small for its shape")


@pytest.mark.parametrize(
    "changes",
    [
        {"samples": 10**15},
        {"samples": "4"},
        {"samples_per_shard": 10**15},
        {"samples_per_shard": 0},
        {"samples_per_shard": "4"},
        {"plan": "no"},
        {"domain": []},
        {"samples_sha256": 7},
        {"domain": json.loads('{"a":' * 200 + "1" + "}" * 200)},
    ],
)
def test_a_root_that_says_nonsense(store, frugal, refused, changes):
    root = json.loads((store / METADATA).read_text())
    root["attributes"].update(changes)
    data = json.dumps(root)
    (store / METADATA).write_text(data)
    ledger = read_ledger(store / ROOT_LEDGER)
    files = ledger.header["files"] | {METADATA: hashlib.sha256(data.encode()).hexdigest()}
    write_ledger(store / ROOT_LEDGER, ledger.header | {"metadata": data, "files": files})
    with frugal():
        assert str(store) in refused("inspect", store)
        assert verify_store(store).problems


def test_a_root_ledger_that_is_a_link_is_not_followed(store, tmp_path, refused):
    (store / ROOT_LEDGER).rename(tmp_path / "outside")
    (store / ROOT_LEDGER).symlink_to(tmp_path / "outside")
    assert "leads out" in refused("inspect", store)
    assert "leads out" in " ".join(verify_store(store).problems)


def test_the_command_line_says_it_in_one_line(store, tmp_path, refused):
    forge(store, "plain", METADATA_CHANGES["a codec of numcodecs"])
    options = ("--from", "plain", "--to", "zstd", "--out", tmp_path / "g", "--device", "cpu")
    assert "level4/plain" in refused("train", store, *options)
