"""Files of weights: tensors come out, and a file that would run something does not get to."""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from atdt.errors import NetworkError
from atdt.networks import read_weights


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


def same(found, expected):
    return list(found) == list(expected) and all(
        torch.equal(found[name], expected[name]) for name in expected
    )


@pytest.fixture
def tensors():
    return {"a.weight": torch.randn(2, 3), "a.bias": torch.randn(2)}


@pytest.mark.parametrize(
    "wrap",
    [
        dict,
        OrderedDict,
        lambda tensors: {"state_dict": tensors, "epoch": 3},
        lambda tensors: {"model": {f"module.{name}": t for name, t in tensors.items()}},
    ],
)
def test_a_pth_file_is_read_bare_and_wrapped(tmp_path, tensors, wrap):
    torch.save(wrap(tensors), tmp_path / "w.pth")
    assert same(read_weights(tmp_path / "w.pth"), tensors)


def test_a_safetensors_file_is_read(tmp_path, tensors):
    save_file(tensors, tmp_path / "w.safetensors")
    found = read_weights(str(tmp_path / "w.safetensors"))
    assert same(dict(sorted(found.items())), dict(sorted(tensors.items())))


def test_a_malicious_file_is_refused_in_one_line_and_runs_nothing(tmp_path):
    made = tmp_path / "made"
    path = tmp_path / "w.pth"
    torch.save({"weight": torch.ones(2), "evil": Touch(made)}, path)
    with pytest.raises(NetworkError, match=r"w.pth: not loaded: it asks for \w+\.system") as error:
        read_weights(path)
    assert "\n" not in str(error.value)
    assert not made.exists()
    torch.load(path, weights_only=False)  # it would have worked
    assert made.exists()


def test_a_malicious_file_of_the_old_format_is_refused(tmp_path):
    made = tmp_path / "made"
    (tmp_path / "w.pth").write_bytes(pickle.dumps({"evil": Touch(made)}, protocol=2))
    with pytest.raises(NetworkError, match=r"w.pth: not loaded: it asks for"):
        read_weights(tmp_path / "w.pth")
    assert not made.exists()


def test_a_whole_module_is_refused(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "w.pth")
    with pytest.raises(NetworkError, match=r"asks for torch.nn.*save the state_dict alone"):
        read_weights(tmp_path / "w.pth")


@pytest.mark.parametrize("content", [b"", b"hello there", b"\x80\x02.", b"PK\x03\x04 cut off"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_damaged_files_are_refused_in_one_line(tmp_path, content, suffix):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(NetworkError, match=f"w{suffix}: not a readable") as error:
        read_weights(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "holds no named tensors"),
        ([torch.ones(1)], "holds no named tensors"),
        ({"state_dict": {}}, "holds no named tensors"),
        ({"weight": torch.ones(1), "epoch": 3}, "'epoch' is no tensor"),
    ],
)
def test_files_without_named_tensors_are_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(NetworkError, match=f"w.pth: {message}"):
        read_weights(tmp_path / "w.pth")


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(NetworkError, match=r"gone.pth: no such file"):
        read_weights(tmp_path / "gone.pth")
