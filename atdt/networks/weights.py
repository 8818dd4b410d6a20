"""Files of weights from elsewhere: tensors come out, and nothing that is in them is run."""

import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from atdt.copies import local_copy
from atdt.errors import NetworkError
from atdt.places import is_url, place

CONTAINERS = ("state_dict", "model")  # what checkpoints wrap weights in
PARALLEL = "module."  # what data-parallel training puts before every name
# A damaged pickle is a damaged program: what torch's restricted reader raises depends on where.
UNREADABLE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)


def weights_file(weights: str) -> Path:
    """The file that a network's option `weights` names.

    Raises:
        NetworkError: it is a URL. Whoever opens the network looks for the file again, and a
            network takes no options for object stores.
    """
    if is_url(weights):
        raise NetworkError(f"weights={weights}: takes no URLs; give a file of this machine")
    return Path(weights)


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The named tensors of a .safetensors or .pth file, on the CPU.

    A .pth file goes through `torch.load(weights_only=True)`, which makes tensors and plain
    containers and calls nothing else. Weights under "state_dict" or "model" are looked for, and
    the "module." of data-parallel training is taken off.

    Raises:
        NetworkError: the file is absent, damaged, or holds anything but named tensors.
    """
    path = place(path)
    if not path.is_file():
        raise NetworkError(f"{path}: no such file")
    read = _safetensors if path.suffix == ".safetensors" else _pickled
    with local_copy(path) as here:
        found: Any = read(here, path)
    for key in CONTAINERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not found:
        raise NetworkError(f"{path}: holds no named tensors")
    for name, value in found.items():
        if not isinstance(value, Tensor):
            raise NetworkError(f"{path}: {name!r} is no tensor; save the state_dict alone")
    if all(name.startswith(PARALLEL) for name in found):
        return {name.removeprefix(PARALLEL): tensor for name, tensor in found.items()}
    return dict(found)


def _safetensors(here: Path, path: Path) -> dict[str, Tensor]:
    try:
        return load_file(here)
    except (SafetensorError, OSError) as error:
        raise NetworkError(f"{path}: not a readable safetensors file ({error})") from None


def _pickled(here: Path, path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd protocols: what cannot be read is an error
            return torch.load(here, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        # torch's own message advises to switch the protection off: it is not passed on.
        refused = re.search(
            r"unsupported GLOBAL (\S+)|Unsupported global: GLOBAL (\S+)", str(error)
        )
        if refused:
            raise NetworkError(
                f"{path}: not loaded: it asks for {refused[1] or refused[2]}, but weights are "
                "tensors and nothing else; save the state_dict alone"
            ) from None
        raise NetworkError(
            f"{path}: not a readable file of tensors ({type(error).__name__}); is it whole?"
        ) from None
