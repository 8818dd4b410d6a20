"""What ONNX or onnxruntime cannot do is said in one line."""

import pytest
import torch
from torch import nn

from atdt.errors import NetworkError
from atdt.export import onnx_file
from atdt.export.tracing import Frame, trace

NOTES = {"input": {"name": "images"}, "output": {"name": "output"}}


class Singular(nn.Module):
    """Singular values, which ONNX has no operator for."""

    def forward(self, images):
        return torch.linalg.svdvals(images)


class Narrow(nn.Module):
    """A convolution in bfloat16."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 2, 1, dtype=torch.bfloat16)

    def forward(self, images):
        return self.convolution(images.bfloat16()).float()


def traced(module):
    return trace(module.eval(), Frame((4, 4)), torch.zeros(1, 3, 4, 4))


def test_an_operator_that_onnx_lacks_is_named(tmp_path, capfd):
    with pytest.raises(NetworkError, match=r"No ONNX function found for .*svd"):
        onnx_file.write(traced(Singular()), tmp_path / "a.onnx", NOTES)
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr().err == ""


def test_a_kernel_that_onnxruntime_lacks_is_named(tmp_path):
    onnx_file.write(traced(Narrow()), tmp_path / "a.onnx", NOTES)
    with pytest.raises(NetworkError, match=r"onnxruntime cannot run the network \(.*bfloat16"):
        onnx_file.load(tmp_path / "a.onnx")


def test_more_weights_than_a_file_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "LARGEST", 100)
    with pytest.raises(NetworkError, match=r"GiB of weights: one \.onnx holds 2; write a \.pt2"):
        onnx_file.write(traced(nn.Conv2d(3, 9, 1)), tmp_path / "a.onnx", NOTES)
