"""`atdt consistency`: how far T1, read off predictions of T2 by R, is from B's labels of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from atdt.consistency.config import Scoring
from atdt.decode.config import Decoding
from atdt.decode.decode import open_decoding
from atdt.decode.output import refuse_broken
from atdt.decode.sources import StoreSource
from atdt.devices import pick_device, precision_context
from atdt.domains import open_domain
from atdt.errors import UserError
from atdt.evaluate.pairs import Pairs
from atdt.files import remove, remove_tree
from atdt.npy import write_npy
from atdt.predictions import LOGITS, open_predictions, stems
from atdt.progress import progress
from atdt.provenance import provenance
from atdt.stores import open_store
from atdt.tasks import get_task
from atdt.texts import write_json
from atdt.training.batches import label_tensor
from atdt.training.cross_task import CrossTask, consistency_error, load_cross_task
from atdt.transfer.lessons import labels_of

RECORD = "consistency.json"
MAPS = "maps"
SCHEMA = 1


@dataclass(frozen=True)
class Piece:
    """Some images of one size: T2's outputs (N, C, h, w), and T1's labels as `Task.target` takes
    them."""

    images: tuple[str, ...]
    output: Tensor
    label: Tensor


def score_consistency(config: Scoring) -> Path:
    """Score predictions, or Gs, by how far T1 read off them is from B's labels of it.

    Each image weighs the same; images without a label are left out. No label of T2 is read.

    Returns:
        consistency.json in `out`: a row for each that was scored, with the error of every image;
        beside it, on request, maps/ROW/IMAGE.npy, (h, w) float32, NaN where there is no label.

    Raises:
        UserError: an option, folder, run, store or domain that cannot be used, or no label at all.
        MismatchError: R reads another task than was predicted, or knows other classes.
        NumericsError: what a G makes of an image is not finite.
    """
    config.check()
    record = config.out / RECORD
    if record.exists() and not config.overwrite:
        raise UserError(f"{record}: is there already; --overwrite replaces it")
    device = pick_device(config.device)
    cross_task = load_cross_task(config.cross_task, device, config.precision)
    _make_room(record)
    rows = []
    for number, path in enumerate(config.scored):
        images, pieces = _opened(config, path, cross_task, device)
        row, names = f"{number}-{path.resolve().name}", stems(images)
        maps = config.out / MAPS / row if config.maps else None
        errors: dict[str, float | None] = {}
        with progress(f"score {path.name}", len(images), "images") as advance:
            for piece in pieces:
                for image, error in _errors(cross_task, piece):
                    errors[image] = None if error.isnan().all() else float(error.nanmean())
                    if maps is not None:
                        write_npy(maps / f"{names[image]}.npy", error.numpy())
                advance(len(piece.images))
        rows.append({"path": str(path), "row": row} | _summary(path, errors))
    rows.sort(key=lambda row: row["error"])
    content = {
        "schema": SCHEMA,
        "cross_task": {
            "run": str(cross_task.run.path.resolve()),
            "sha256": cross_task.run.info["weights"]["sha256"],
            "source": cross_task.source.name,
            "target": cross_task.task.name,
            "on_a": cross_task.run.info["scores"].get("held_out_loss"),
            "on_a_of_others": cross_task.run.info.get("held_out_loss_of_others"),
        },
        "labels": config.domain or str(config.store),
        "maps": config.maps,
        "rows": rows,
        "provenance": provenance(),
    }
    return write_json(record, content)


def _make_room(record: Path) -> None:
    """Remove a score and its maps, the score first: what a kill leaves must not look whole."""
    if record.exists():
        remove(record)
        remove_tree(record.parent / MAPS)


def _opened(
    config: Scoring, path: Path, cross_task: CrossTask, device: torch.device
) -> tuple[tuple[str, ...], Iterator[Piece]]:
    """The images to score, and what is scored of them, read when it is asked for."""
    if config.store is None:
        return _of_predictions(config, path, cross_task, device)
    return _of_transfer(config, path, cross_task, device)


def _of_predictions(
    config: Scoring, path: Path, cross_task: CrossTask, device: torch.device
) -> tuple[tuple[str, ...], Iterator[Piece]]:
    predictions, kind = open_predictions(path), cross_task.task.label
    task = get_task(predictions.task)
    cross_task.check_reads(task, tuple(predictions.label_space["classes"]), path)
    domain = open_domain(config.domain, labels=[kind], skip_bad=config.skip_bad)
    cross_task.check_labels(domain.label_space.classes, config.domain)
    pairs = Pairs(predictions, domain, cross_task.task)
    has_outputs = predictions.has(LOGITS)

    def output(image: str) -> Tensor:
        if has_outputs:
            return torch.from_numpy(predictions.output(image))
        return torch.from_numpy(task.output_of(predictions.read(image, task)))

    def pieces() -> Iterator[Piece]:
        for index, image in enumerate(pairs.images):  # one by one: sizes may differ
            label = label_tensor(kind, pairs.truth(index)[None])
            yield Piece((image,), output(image)[None].to(device), label.to(device))

    return pairs.images, pieces()


def _of_transfer(
    config: Scoring, path: Path, cross_task: CrossTask, device: torch.device
) -> tuple[tuple[str, ...], Iterator[Piece]]:
    decoding = Decoding(
        transfer=path,
        store=config.store,
        decoder=config.decoder,
        out=config.out,
        batch=config.batch,
        allow_import=config.allow_import,
    )
    decoding.check()
    transfer, inputs, decoder = open_decoding(decoding, device)
    cross_task.check_reads(decoder.task, decoder.space.classes, transfer.run.path)
    store, batches = open_store(config.store), inputs.source.batches
    labels = StoreSource(store, labels_of(store, cross_task), config.batch)

    @torch.inference_mode()
    def pieces() -> Iterator[Piece]:
        for batch in batches:
            features = torch.from_numpy(inputs.source.read(batch)).to(device)
            with precision_context(device, config.precision):
                output, _ = decoder.module.output_and_features(inputs.encode(features), batch.size)
            refuse_broken(batch, output)
            label = torch.from_numpy(labels.read(batch)).to(device)
            yield Piece(batch.images, output.float(), label)

    return tuple(image for batch in batches for image in batch.images), pieces()


@torch.inference_mode()
def _errors(cross_task: CrossTask, piece: Piece) -> Iterator[tuple[str, Tensor]]:
    """Each image and its error at each pixel, (h, w) on the CPU."""
    errors = consistency_error(cross_task, piece.output, piece.label).cpu()
    return zip(piece.images, errors, strict=True)


def _summary(path: Path, errors: dict[str, float | None]) -> dict[str, Any]:
    measured = [error for error in errors.values() if error is not None]
    if not measured:
        raise UserError(f"{path}: none of {len(errors)} images has a label to agree with")
    return {"error": float(np.mean(measured)), "measured": len(measured), "images": errors}
