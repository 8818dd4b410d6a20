"""Tensors and a few words about them in one safetensors file, written whole or not at all."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from atdt.copies import local_copy
from atdt.disk import free_space
from atdt.errors import RunError
from atdt.files import in_the_making
from atdt.texts import parse_json

NOTES = "atdt"  # the one metadata key: several would be written in a random order


def save_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], notes: dict[str, Any] | None = None
) -> Path:
    """Write `tensors`, and `notes` as JSON in the file's metadata, atomically and durably.

    The same tensors and notes make the same bytes.

    Raises:
        RunError: the file cannot be written (a full disk, say).
        OSError: the same, where it shows later; names a file.
    """
    metadata = {NOTES: json.dumps(notes, sort_keys=True, allow_nan=False)} if notes else None
    try:
        with in_the_making(path) as temporary:
            save_file(dict(_plain(tensors)), temporary, metadata)
    except SafetensorError as error:
        raise RunError(f"{path}: cannot be written ({error}), with {free_space(path)}") from None
    return path


def load_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors of a safetensors file, on the CPU, and its notes ({} where it has none).

    Raises:
        RunError: the file is absent or no such file; the message names it.
    """
    try:
        with local_copy(path) as here, safe_open(here, framework="pt") as file:
            notes = parse_json((file.metadata() or {}).get(NOTES, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise RunError(f"{path}: no such file") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(f"{path}: not a readable safetensors file ({error})") from None
    if not isinstance(notes, dict):
        raise RunError(f"{path}: its metadata {NOTES!r} is no JSON object")
    return tensors, notes


def tensors_sha256(tensors: Mapping[str, torch.Tensor]) -> str:
    """Hexadecimal sha256 over the names, dtypes, shapes and bytes of `tensors`, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(_plain(tensors)):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(memoryview(tensor.reshape(-1).view(torch.uint8).numpy()))
    return digest.hexdigest()


def _plain(tensors: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    """Each tensor on the CPU, row-major, in memory of its own: what safetensors asks for."""
    seen: set[int] = set()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        storage = plain.untyped_storage()
        if storage.data_ptr() in seen or storage.nbytes() != plain.nbytes:
            plain = plain.clone()
        seen.add(plain.untyped_storage().data_ptr())
        yield name, plain
