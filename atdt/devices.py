"""Where and how precisely networks run."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from atdt.errors import UserError

PRECISIONS = ("float32", "bfloat16")


def pick_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes a GPU when there is one.

    Raises:
        UserError: the name is unknown, or the device is not on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(f"--device {name}: not a device; try auto, cpu or cuda:0") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"--device {name}: this machine has {torch.cuda.device_count()} GPUs")
    return device


def described(device: torch.device) -> str:
    """The kind of processor, which the last bits of what networks give depend on."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return device.type


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Within it torch computes with `count` threads; with as many as before where it is None.

    Raises:
        UserError: fewer than one.
    """
    if count is None:
        yield
        return
    if count < 1:
        raise UserError(f"--threads {count}: must be ≥ 1")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def precision_context(device: torch.device, precision: str) -> AbstractContextManager:
    """Autocast to bfloat16, or nothing for float32.

    Raises:
        UserError: `precision` is neither "float32" nor "bfloat16".
    """
    if precision not in PRECISIONS:
        raise UserError(f"--precision {precision}: choose one of {', '.join(PRECISIONS)}")
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
