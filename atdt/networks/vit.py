"""Vision transformers of timm's (DINO's, DINOv2's, MAE's), frozen, under a small decoder."""

from typing import Any

import torch
from torch import Tensor, nn

from atdt.digests import sha256_file
from atdt.errors import NetworkError
from atdt.networks.base import TaskNetwork
from atdt.networks.blocks import bilinear_decoder
from atdt.networks.weights import read_weights, weights_file

DEPTHS = 4  # evenly spread layers whose tokens the decoder reads, as DINOv2's own dense heads do
CLASSIFIER = ("head.", "fc_norm.", "head_dist.")  # of pretraining; has no place here


def build_vit(
    out_channels: int,
    model: str = "vit_small_patch14_dinov2",
    weights: str | None = None,
    frozen: bool = True,
) -> TaskNetwork:
    """A ViT and a small convolutional decoder, for labels of T2 on A alone.

    Levels, all at 1/patch of the image's side: patches, patches with positions, tokens of four
    layers one after the other in channels, the same normalised by the ViT's last norm. Positions
    are resampled to the size of the image, as timm does.

    Args:
        out_channels: of the decoder.
        model: timm's name of a `VisionTransformer`, with or without its tag.
        weights: a local .pth or .safetensors file, timm's or the authors' own; drawn when None.
            The network's `origin` tells the file and its sha256.
        frozen: the decoder alone is trained.

    Raises:
        NetworkError: timm is not installed, has no such model, or the weights are not its.
    """
    vit = _made(model)
    origin = {}
    if weights is not None:
        _fill(vit, weights)
        origin = {"weights": weights, "file": weights, "sha256": sha256_file(weights)}
    (side, other) = vit.patch_embed.patch_size
    if side != other:
        raise NetworkError(f"model={model}: patches of {side}x{other} are not square")
    depths = [len(vit.blocks) * part // DEPTHS - 1 for part in range(1, DEPTHS + 1)]
    stages = nn.ModuleList(
        [_Patches(vit), _Positions(vit), _Layers(vit, depths), _Normed(vit.norm, DEPTHS)]
    )
    if frozen:
        stages.requires_grad_(False)
    known = vit.pretrained_cfg
    return TaskNetwork(
        stages,
        bilinear_decoder(DEPTHS * vit.embed_dim, out_channels, side),
        stride=side,
        mean=known["mean"],
        std=known["std"],
        origin=origin,
    )


class _Patches(nn.Module):
    """(N, 3, H, W) -> (N, C, H/patch, W/patch)."""

    def __init__(self, vit: Any):
        super().__init__()
        self.patch_embed = vit.patch_embed

    def forward(self, images: Tensor) -> Tensor:
        return self.patch_embed(images).movedim(-1, 1)


class _Positions(nn.Module):
    """What is learnt of each place, resampled to the patches at hand, is added to them."""

    def __init__(self, vit: Any):
        super().__init__()
        own = 0 if vit.no_embed_class else vit.num_prefix_tokens
        self.grid = vit.patch_embed.grid_size
        self.pos_embed = nn.Parameter(vit.pos_embed[:, own:].clone())

    def forward(self, patches: Tensor) -> Tensor:
        from timm.layers import resample_abs_pos_embed

        size = tuple(patches.shape[-2:])
        places = resample_abs_pos_embed(self.pos_embed, size, self.grid, num_prefix_tokens=0)
        return patches + places.mT.unflatten(2, size)


class _Layers(nn.Module):
    """All layers; tokens of the class and registers, the same for every image, go in before the
    patches and are left out of what comes back, (N, depths × C, h, w)."""

    def __init__(self, vit: Any, depths: list[int]):
        super().__init__()
        self.depths = depths
        prefix = [token for token in (vit.cls_token, vit.reg_token) if token is not None]
        tokens = torch.cat(prefix, dim=1) if prefix else torch.zeros(1, 0, vit.embed_dim)
        if not vit.no_embed_class:
            tokens = tokens + vit.pos_embed[:, : tokens.shape[1]]
        self.prefix = nn.Parameter(tokens.detach().clone())
        self.norm_pre, self.blocks = vit.norm_pre, vit.blocks

    def forward(self, patches: Tensor) -> Tensor:
        count, size = self.prefix.shape[1], patches.shape[-2:]
        prefix = self.prefix.expand(len(patches), -1, -1)
        tokens = self.norm_pre(torch.cat([prefix, patches.flatten(2).mT], dim=1))
        found = []
        for depth, block in enumerate(self.blocks):
            tokens = block(tokens)
            if depth in self.depths:
                found.append(tokens[:, count:])
        return torch.cat(found, dim=2).mT.unflatten(2, size)


class _Normed(nn.Module):
    """The ViT's last norm, over the channels of each of its layers."""

    def __init__(self, norm: nn.Module, layers: int):
        super().__init__()
        self.norm, self.layers = norm, layers

    def forward(self, features: Tensor) -> Tensor:
        parts = features.movedim(1, -1).unflatten(-1, (self.layers, -1))
        return self.norm(parts).flatten(-2).movedim(-1, 1)


def _made(model: str) -> Any:
    """timm's model, with weights drawn at random; nothing is downloaded."""
    try:
        import timm
        from timm.models.vision_transformer import VisionTransformer
    except ImportError:
        raise NetworkError("network 'vit': timm is missing: pip install \"atdt[vit]\"") from None
    if not timm.is_model(model):
        raise NetworkError(f"model={model}: timm {timm.__version__} has no model of this name")
    try:
        vit = timm.create_model(model, pretrained=False, num_classes=0, dynamic_img_size=True)
    except TypeError:  # no other kind of model takes dynamic_img_size
        vit = None
    if type(vit) is not VisionTransformer or vit.pos_embed is None:
        raise NetworkError(f"model={model}: is no plain VisionTransformer of timm's")
    return vit


def _fill(vit: Any, path: str) -> None:
    """Load pretrained weights, all but a classifier's, from timm's names or the authors'."""
    from timm.models.vision_transformer import checkpoint_filter_fn

    try:
        tensors = checkpoint_filter_fn(read_weights(weights_file(path)), vit)
        found = {name: t for name, t in tensors.items() if not name.startswith(CLASSIFIER)}
        vit.load_state_dict(found)
    except (RuntimeError, LookupError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise NetworkError(
            f"{path}: not weights of timm's {vit.pretrained_cfg['architecture']}: "
            f"{' '.join(lines)[:200]}"
        ) from None
