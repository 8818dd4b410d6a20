"""Tensor files: exact, atomic, the same bytes for the same content, and never unpickled."""

import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atdt.errors import RunError
from atdt.tensors import load_tensors, save_tensors, tensors_sha256

DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)


@given(
    shape=st.lists(st.integers(0, 3), max_size=4),
    dtype=st.sampled_from(DTYPES),
    channels_last=st.booleans(),
    seed=st.integers(0, 9),
)
def test_tensors_come_back_to_the_bit(tmp_path_factory, shape, dtype, channels_last, seed):
    tensor = (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 9).to(dtype)
    if channels_last and len(shape) == 4:
        tensor = tensor.contiguous(memory_format=torch.channels_last)
    tied = {"a": tensor, "b": tensor, "part": tensor[:1] if shape else tensor}
    path = save_tensors(tmp_path_factory.mktemp("t") / "x.safetensors", tied, {"n": [0.1]})
    found, notes = load_tensors(path)
    assert notes == {"n": [0.1]}
    assert found.keys() == tied.keys()
    for name in tied:
        assert found[name].dtype == dtype
        assert torch.equal(found[name], tied[name])
    assert tensors_sha256(found) == tensors_sha256(tied)


def test_the_digest_sees_names_dtypes_shapes_and_values():
    ones = torch.ones(2, 3)
    changed = [
        {"a": ones},
        {"b": ones},
        {"a": ones.half()},
        {"a": ones.reshape(3, 2)},
        {"a": ones.clone().index_fill_(0, torch.tensor([1]), 2)},
        {"a": ones, "b": ones},
    ]
    assert len({tensors_sha256(tensors) for tensors in changed}) == len(changed)


def test_the_same_content_makes_the_same_bytes(tmp_path):
    tensors = {name: torch.arange(5) for name in "cab"}
    notes = {key: key for key in "zyx"}
    first, second = (save_tensors(tmp_path / n, tensors, notes).read_bytes() for n in ("1", "2"))
    assert first == second


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = save_tensors(tmp_path / "w.safetensors", {"a": torch.zeros(1)})
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("atdt.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_tensors(path, {"a": torch.ones(1)})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_such_file_is_refused_by_name(tmp_path):
    with pytest.raises(RunError, match=r"none\.safetensors: no such file"):
        load_tensors(tmp_path / "none.safetensors")
    torn = save_tensors(tmp_path / "torn.safetensors", {"a": torch.zeros(99)})
    torn.write_bytes(torn.read_bytes()[:-7])
    with pytest.raises(RunError, match=r"torn\.safetensors: not a readable"):
        load_tensors(torn)
    (tmp_path / "pickled.safetensors").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(RunError, match=r"pickled\.safetensors: not a readable"):
        load_tensors(tmp_path / "pickled.safetensors")
