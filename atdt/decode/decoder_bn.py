"""Batch-norm statistics of D2 on another domain, where it works behind G and E1.

What `atdt.training.adabn` does to N2 on B, done to the network that AT/DT predicts with there: D2
was trained on E2's features of A, and on B it reads G's. D2 runs behind G∘E1 over B's images; its
running means and variances are estimated anew, its weights stay. No label is read.
"""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from atdt.checks import check_out_apart
from atdt.decode.belonging import load_side
from atdt.decode.header import run_info
from atdt.devices import pick_device
from atdt.errors import UserError
from atdt.training.adabn import (
    BatchNormAdaptation,
    batch_norm_layers,
    open_images,
    re_estimated,
)
from atdt.transfer.building import HEAD_MODE
from atdt.transfer.load import load_transfer


@dataclass(frozen=True, kw_only=True)
class DecoderAdaptation(BatchNormAdaptation):
    """A re-estimation of D2's statistics; `run` is that of N2.

    Attributes:
        transfer: run of G.
        encoder: run of N1; when None the one that G's run saw, as `decode` finds it.
        allow_mismatch: "encoder" and "preprocessing" let through what G was not trained with, such
            as an E1 whose own statistics were re-estimated.
    """

    transfer: Path
    encoder: Path | None = None
    allow_mismatch: tuple[str, ...] = ()


def adapt_decoder(config: DecoderAdaptation) -> Path:
    """Copy N2's run with D2's batch-norm statistics estimated anew behind G∘E1 on a domain.

    E2 stays as it is, and so G and the new run belong together.

    Returns:
        the folder of the new run; "adapted" in its run.json says from what, and how many layers.

    Raises:
        MismatchError: E1, G and D2 do not belong together.
        NetworkError: D2 has no batch norm with running statistics.
        UserError: a run or the domain cannot be used, or the transfer run is a head.
    """
    check_out_apart(config.out, (config.transfer, config.encoder))
    device = pick_device(config.device)
    transfer = load_transfer(config.transfer, device, config.allow_import)
    if transfer.mode == HEAD_MODE:
        raise UserError(f"--transfer {config.transfer}: is a head, behind which there is no D2")
    images = open_images(config)
    options = (transfer, images.size, config.allow_mismatch, device, config.allow_import)
    first, unlike = load_side("source", config.encoder, *options)
    second, unlike_too = load_side("target", config.run, *options)
    n1, n2, level = first.network, second.network, transfer.level
    d2 = nn.ModuleList([*n2.stages[n2.levels.index(level) + 1 :], n2.decoder])
    inner = n2.feature_shape(level, images.size)[1:]

    def forward(batch: Tensor) -> None:
        n2.decode(transfer.module(n1.encode(batch, transfer.source_level), inner), level)

    more = {
        "transfer": run_info(transfer.run),
        "encoder": run_info(first.run),
        "mismatch": [*unlike, *unlike_too],
    }
    return re_estimated(config, images, second, batch_norm_layers(d2), forward, device, more)
