"""Where and how precisely networks run."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from atdt.errors import UserError

PRECISIONS = ("float32", "bfloat16")
# What an x86 processor that multiplies bfloat16 itself says of itself; one without takes 15 times
# as long as in float32 for a step of a task network.
MULTIPLIES = ("avx512_bf16", "amx_bf16")
OLDER = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


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


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 itself; others emulate it, which is far slower than
    float32. False of processors other than x86, on which it was not measured."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    told = getattr(torch.cpu, "get_capabilities", None)
    if told is None:  # an older torch has the same for itself
        asked = (getattr(torch.cpu, name, None) for name in OLDER)
        return any(ask is not None and ask() for ask in asked)
    return any(told().get(name, False) for name in MULTIPLIES)


def fast_precision(device: torch.device) -> str:
    """The one of `PRECISIONS` that networks train fastest in there."""
    return "bfloat16" if has_bfloat16(device) else "float32"


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
