"""Resident or streamed: what fits where, decided from sizes and said with its reason."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from atdt.errors import UserError
from atdt.sizes import said

FEEDS = ("auto", "resident", "stream")
SHARE = 2  # a feed may take one part in so many of what is free


@dataclass(frozen=True)
class FeedChoice:
    """Which feed, and why.

    Attributes:
        kind: "resident" or "stream".
        held_on: where resident arrays are held.
        reason: one line for the user.
    """

    kind: str
    held_on: torch.device
    reason: str


def choose_feed(
    resident: int,
    streamed: int,
    device: torch.device,
    budget: int | None = None,
    forced: str = "auto",
    free: dict[str, int] | None = None,
) -> FeedChoice:
    """Choose the feed of a training.

    Args:
        resident: bytes of all arrays that training reads.
        streamed: bytes that streaming them takes.
        device: where the network is.
        budget: bytes that the feed may take; by default half of what is free, on the GPU and in
            main memory.
        forced: "resident" or "stream" to leave no choice; "auto" otherwise.
        free: bytes free by device type; measured when None.

    Raises:
        UserError: `forced` is unknown, or neither feed fits the budget.
    """
    if forced not in FEEDS:
        raise UserError(f"--feed {forced}: choose one of {', '.join(FEEDS)}")
    cpu = torch.device("cpu")
    free = free_bytes(device) if free is None else free
    budgets = {kind: free[kind] // SHARE if budget is None else budget for kind in free}
    if budget is not None and "cuda" in budgets:  # a budget cannot make the GPU larger
        budgets["cuda"] = min(budget, free["cuda"] // SHARE)
    where = "half of the free memory" if budget is None else "--memory-budget"
    if forced == "stream":
        return FeedChoice("stream", cpu, f"stream, as asked for: windows take {said(streamed)}")
    for place in (device, cpu):
        fits = resident <= budgets[place.type]
        if fits or (forced == "resident" and place.type == "cpu"):
            why = f"{said(resident)} of {said(budgets[place.type])} ({where})"
            asked = ", as asked for" if forced == "resident" else ""
            return FeedChoice("resident", place, f"resident{asked} on {place}: {why}")
    if streamed > budgets["cpu"]:
        raise UserError(
            f"the store takes {said(resident)} and streaming it {said(streamed)}, both over "
            f"{said(budgets['cpu'])} ({where}); raise --memory-budget, or lower --window"
        )
    return FeedChoice(
        "stream",
        cpu,
        f"stream: the store takes {said(resident)} of {said(budgets['cpu'])} ({where}), "
        f"windows take {said(streamed)}",
    )


def free_bytes(device: torch.device) -> dict[str, int]:
    """Free bytes of main memory ("cpu") and, where `device` is one, of the GPU ("cuda")."""
    free = {"cpu": _free_ram()}
    if device.type != "cpu":
        free[device.type] = torch.cuda.mem_get_info(device)[0]
    return free


def _free_ram(root: Path = Path("/")) -> int:
    """Available main memory, no more than the container may still take."""
    meminfo = root / "proc/meminfo"
    if not meminfo.exists():  # not Linux: half of all memory is a fair guess of what is free
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    available = int(lines["MemAvailable"].split()[0]) * 1024
    group = root / "sys/fs/cgroup"
    limit, used = group / "memory.max", group / "memory.current"
    if limit.exists() and used.exists() and limit.read_text().strip() != "max":
        available = min(available, int(limit.read_text()) - int(used.read_text()))
    return max(available, 0)
