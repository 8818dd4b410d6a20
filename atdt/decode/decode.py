"""`atdt decode`: D2(G(E1(x))) on the images of a domain, or from a store that holds E1(x)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from atdt.decode.belonging import check_channels, check_key, load_side
from atdt.decode.config import Decoding
from atdt.decode.decoders import Decoder, load_decoder
from atdt.decode.header import header, run_info
from atdt.decode.making import Say, make_predictions
from atdt.decode.pipeline import Predictor
from atdt.decode.sources import Known, Source, StoreSource, open_images
from atdt.stores import open_store
from atdt.transfer.building import HEAD_MODE
from atdt.transfer.load import LoadedTransfer, load_transfer

Size = tuple[int, int]


@dataclass(frozen=True)
class Inputs:
    """What is decoded: the source, and how its batches become features of E1.

    Attributes:
        source: images, or E1's features from a store.
        size: (height, width) of the view of one of them.
        encode: a batch of the source -> features of E1 (N, C1, h1, w1).
        domain, view, skipped: for predictions.json.
        left_out: lines of the list that `skipped` is about.
        method: what predictions.json says of E1.
        mismatch: differences that were let through.
    """

    source: Source
    size: Size
    encode: Callable[[Tensor], Tensor]
    domain: dict[str, Any]
    view: dict[str, Any]
    skipped: tuple[str, ...]
    left_out: tuple[int, ...]
    method: dict[str, Any]
    mismatch: list[str]


def decode(config: Decoding, say: Say = lambda line: None) -> Path:
    """Predict T2 on a domain from features of T1.

    Args:
        say: called with each line that a user should see.

    Returns:
        the predictions folder, `config.out`.

    Raises:
        MismatchError: E1, G and D2 do not belong together; names what differs.
        RunError: a run that is absent, unfinished or damaged.
        DomainError, StoreError: the images or the store cannot be used.
        NumericsError: an output is not finite.
        UserError: an option, or what is in `config.out` already.
    """
    return make_predictions(config, prepare, say)


def prepare(config: Decoding, device: torch.device, known: Known | None = None) -> Predictor:
    """What decodes; see `atdt.decode.making.Prepare`."""
    transfer, inputs, decoder = open_decoding(config, device, known)
    info = transfer.run.info
    method = {
        "kind": "head" if transfer.mode == HEAD_MODE else "atdt",
        "transfer": run_info(transfer.run)
        | {"architecture": info["architecture"], "level": transfer.level},
        "encoder": inputs.method,
        **decoder.method,
    }
    head = header(
        decoder.task,
        decoder.space,
        inputs.domain,
        inputs.view,
        method,
        config,
        device,
        mismatch=(
            *(f"in training {transfer.run.path.name}: {line}" for line in info["mismatch"]),
            *inputs.mismatch,
            *decoder.mismatch,
        ),
        skipped=inputs.skipped,
    )

    def compute(batch: Tensor, size: Size) -> tuple[Tensor, Tensor]:
        return decoder.module.output_and_features(inputs.encode(batch), size)

    left_out = inputs.left_out
    return Predictor(inputs.source, compute, decoder.task, head, Known(inputs.size, left_out))


def open_decoding(
    config: Decoding, device: torch.device, known: Known | None = None
) -> tuple[LoadedTransfer, Inputs, Decoder]:
    """Load what a decoding needs and prove that it belongs together; nothing is written.

    Raises:
        MismatchError, RunError, DomainError, StoreError, UserError: as `decode`.
    """
    transfer = load_transfer(config.transfer, device, config.allow_import)
    if config.store is None:
        inputs = _from_images(config, transfer, device, known)
    else:
        inputs = _from_store(config, transfer)
    decoder = load_decoder(
        transfer,
        config.decoder,
        inputs.size,
        config.allow_mismatch,
        device,
        config.allow_import,
    )
    return transfer, inputs, decoder


def _from_images(
    config: Decoding, transfer: LoadedTransfer, device: torch.device, known: Known | None
) -> Inputs:
    domain, source, known = open_images(config.domain, config, known)
    loaded, mismatch = load_side(
        "source",
        config.encoder,
        transfer,
        known.size,
        config.allow_mismatch,
        device,
        config.allow_import,
    )
    level = transfer.source_level
    return Inputs(
        source=source,
        size=known.size,
        encode=lambda images: loaded.network.encode(images, level),
        domain=domain.to_dict(),
        view=source.plan.to_dict(),
        skipped=domain.skipped,
        left_out=known.left_out,
        method=run_info(loaded.run)
        | {"encoder_sha256": loaded.network.weights_digest("encoder", level), "level": level},
        mismatch=mismatch,
    )


def _from_store(config: Decoding, transfer: LoadedTransfer) -> Inputs:
    store = open_store(config.store)
    recorded = transfer.run.info["source"]
    reader = store.features(transfer.source_level, config.array or recorded["array"])
    check_channels("source", reader.shape[1], transfer, reader.path)
    mismatch = check_key(
        "source", recorded["key"], reader.attrs, transfer, reader.path, config.allow_mismatch
    )
    source = StoreSource(store, reader, config.batch)
    return Inputs(
        source=source,
        size=source.batches[0].size,
        encode=lambda features: features,
        domain=store.domain,
        view=store.plan,
        skipped=(),
        left_out=(),
        method={
            "store": str(store.path.resolve()),
            "array": reader.name,
            "dtype": str(reader.dtype),
            "encoder_sha256": reader.attrs["encoder_sha256"],
            "level": transfer.source_level,
        },
        mismatch=mismatch,
    )
