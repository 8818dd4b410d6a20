"""Devices and precision by name."""

import pytest
import torch

from atdt.devices import fast_precision, has_bfloat16, pick_device, precision_context
from atdt.errors import UserError


def test_devices_by_name():
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu please", "cuda:99"])
def test_devices_that_are_not_there(name):
    with pytest.raises(UserError, match=f"--device {name}"):
        pick_device(name)


def test_bfloat16_autocasts_products():
    a = torch.ones(4, 4)
    with precision_context(torch.device("cpu"), "bfloat16"):
        assert (a @ a).dtype == torch.bfloat16
    with precision_context(torch.device("cpu"), "float32"):
        assert (a @ a).dtype == torch.float32


@pytest.mark.parametrize(
    ("told", "precision"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bfloat16"),
        ({"amx_bf16": True}, "bfloat16"),
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, "float32"),
        ({"architecture": "arm64", "bf16": True}, "float32"),
    ],
)
def test_a_processor_tells_whether_bfloat16_is_fast(told, precision, monkeypatch):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: told, raising=False)
    assert fast_precision(torch.device("cpu")) == precision


@pytest.mark.parametrize("has", [True, False])
def test_of_an_older_torch_too(has, monkeypatch):
    monkeypatch.delattr("torch.cpu.get_capabilities", raising=False)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: has, raising=False)
    monkeypatch.delattr("torch.cpu._is_amx_tile_supported", raising=False)
    assert has_bfloat16(torch.device("cpu")) == has


def test_a_gpu_that_emulates_it_has_it_not(monkeypatch):
    def asked(*, including_emulation):
        assert not including_emulation
        return False

    monkeypatch.setattr("torch.cuda.is_bf16_supported", asked)
    assert fast_precision(torch.device("cuda:0")) == "float32"


def test_unknown_precision():
    with pytest.raises(UserError, match="--precision half"):
        precision_context(torch.device("cpu"), "half")
