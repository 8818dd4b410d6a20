"""timm's vision transformers: the same tokens as there, frozen, with weights of a local file."""

import os

import pytest
import timm
import torch
from safetensors.torch import save_file

from atdt.digests import sha256_file
from atdt.errors import NetworkError
from atdt.networks import NetworkSpec, build_network

SMALL = "vit_tiny_patch16_224"
REGISTERS = "vit_small_patch14_reg4_dinov2"  # a class token and four registers without positions


def build(model=SMALL, **options):
    return build_network(NetworkSpec("vit", {"model": model, **options}), 5, seed=0)


def theirs(model, seed=1):
    torch.manual_seed(seed)
    made = timm.create_model(model, pretrained=False, num_classes=0, dynamic_img_size=True)
    with torch.no_grad():  # timm starts tokens near zero: they must be seen to count
        for name, value in made.named_parameters():
            if name in ("cls_token", "reg_token", "pos_embed"):
                value.normal_()
    return made.eval()


@pytest.mark.parametrize(("model", "side"), [(SMALL, 16), (REGISTERS, 14)])
def test_tokens_are_timms(model, side, tmp_path):
    vit = theirs(model)
    save_file(vit.state_dict(), tmp_path / "w.safetensors")
    network = build(model, weights=str(tmp_path / "w.safetensors")).eval()
    images = torch.rand(2, 3, 3 * side, 5 * side)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (network.mean, network.std))
    with torch.no_grad():
        found = network.encode_levels(images, ["level2", "level3"])
        for level, norm in (("level2", False), ("level3", True)):
            wanted = vit.forward_intermediates(
                (images - mean) / std, [2, 5, 8, 11], norm=norm, intermediates_only=True
            )
            torch.testing.assert_close(found[level], torch.cat(wanted, dim=1))
    assert network.origin["sha256"] == sha256_file(tmp_path / "w.safetensors")
    assert network.mean == vit.pretrained_cfg["mean"]


def test_any_size_goes_through_and_the_decoder_alone_learns():
    network = build(REGISTERS)
    assert network.stride == 14
    assert network.feature_shape("level3", (30, 50)) == (4 * 384, 3, 4)
    output = network(torch.rand(2, 3, 30, 50))
    assert output.shape == (2, 5, 30, 50)
    output.mean().backward()
    assert {n.split(".")[0] for n, p in network.named_parameters() if p.grad is not None} == {
        "decoder"
    }
    thawed = build(frozen=False)
    thawed(torch.rand(2, 3, 32, 32)).mean().backward()
    assert all(p.grad is not None for p in thawed.parameters())


def test_a_pretraining_classifier_is_left_out(tmp_path):
    made = timm.create_model(SMALL, num_classes=7)
    torch.save(made.state_dict(), tmp_path / "w.pth")
    network = build(weights=str(tmp_path / "w.pth"))
    assert torch.equal(network.stages[3].norm.weight, made.norm.weight)
    assert not any("head" in name for name in network.state_dict())


def test_what_cannot_be_is_refused_in_one_line(tmp_path):
    with pytest.raises(NetworkError, match=r"model=vit_nothing: timm .* has no model of this name"):
        build("vit_nothing")
    with pytest.raises(NetworkError, match="model=resnet18: is no plain VisionTransformer"):
        build("resnet18")
    with pytest.raises(NetworkError, match=r"model=hf_hub:x/y: timm .* has no model"):
        build("hf_hub:x/y")
    with pytest.raises(NetworkError, match="no such file"):
        build(weights=str(tmp_path / "none.pth"))
    save_file({"a": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(NetworkError, match=r"w\.safetensors: not weights of timm's") as error:
        build(weights=str(tmp_path / "w.safetensors"))
    assert "\n" not in str(error.value)


def test_a_file_runs_nothing(tmp_path):
    class Touch:
        def __reduce__(self):
            return os.system, (f"touch '{tmp_path / 'made'}'",)

    torch.save(Touch(), tmp_path / "w.pth")
    with pytest.raises(NetworkError, match="not loaded"):
        build(weights=str(tmp_path / "w.pth"))
    assert not (tmp_path / "made").exists()
