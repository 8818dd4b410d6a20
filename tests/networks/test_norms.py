"""The paper's norms against torch's, and against numbers."""

import pytest
import torch
from torch.nn.functional import group_norm

from atdt.errors import NetworkError
from atdt.networks.norms import InterleavedGroupNorm, batch_norm, instance_norm, norm_named


def test_batch_norm_has_tensorflows_constants():
    norm = batch_norm(8)
    assert (norm.eps, norm.momentum, norm.affine, norm.track_running_stats) == (
        1e-3,
        0.01,
        True,
        True,
    )


def test_instance_norm_draws_its_scales_and_keeps_no_statistics():
    torch.manual_seed(0)
    norm = instance_norm(4096)
    assert norm.eps == 1e-5
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.002)
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not norm.bias.any()
    assert set(norm.state_dict()) == {"weight", "bias"}
    features = torch.randn(2, 4096, 3, 3) * 5 + 7
    plain = norm.eval()(features) / norm.weight[:, None, None]
    assert torch.allclose(plain.mean((2, 3)), torch.zeros(()), atol=1e-5)


def test_group_norm_groups_every_32nd_channel():
    torch.manual_seed(0)
    norm = InterleavedGroupNorm(96)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2)
        norm.bias.uniform_(-1, 1)
    features = torch.randn(2, 96, 5, 7) * torch.arange(1, 97)[:, None, None]
    order = torch.arange(96).view(3, 32).T.flatten()  # 0, 32, 64, 1, 33, 65, …: groups together
    expected = torch.empty_like(features)
    expected[:, order] = group_norm(
        features[:, order], 32, norm.weight[order], norm.bias[order], eps=1e-5
    )
    assert torch.allclose(norm(features), expected, atol=1e-5)
    assert not torch.allclose(
        norm(features), group_norm(features, 32, norm.weight, norm.bias), atol=1e-2
    )


def test_group_norm_of_half_precision_is_taken_in_float32():
    features = (torch.randn(1, 32, 16, 16) + 200).bfloat16()
    made = InterleavedGroupNorm(32)(features)
    assert made.dtype == torch.bfloat16
    assert torch.equal(made, InterleavedGroupNorm(32)(features.float()).bfloat16())


def test_group_norm_of_other_widths_is_refused():
    with pytest.raises(NetworkError, match="48 channels: must be a multiple of 32"):
        InterleavedGroupNorm(48)


def test_norms_by_name():
    assert norm_named("batch") is batch_norm
    assert norm_named("none") is None
    assert norm_named(None) is None
    with pytest.raises(NetworkError, match="norm=layer: choose one of batch, group, instance, no"):
        norm_named("layer")
