"""Devices and precision by name."""

import pytest
import torch

from atdt.devices import pick_device, precision_context
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


def test_unknown_precision():
    with pytest.raises(UserError, match="--precision half"):
        precision_context(torch.device("cpu"), "half")
