"""Progress with time left: a bar on a terminal, a line every ten seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from atdt.launch import launch

LINE_EVERY_SECONDS = 10.0
Advance = Callable[..., None]


@contextmanager
def progress(what: str, total: int, unit: str = "steps") -> Iterator[Advance]:
    """Yield `advance(count=1, note="")`, which moves the display on stderr.

    `note` is a short text shown behind the bar (a loss, a file). Nothing is printed for work that
    ends before the first line is due, unless stderr is a terminal; and nothing by other ranks of
    a training than the first.
    """
    if not launch().is_first:
        yield lambda count=1, note=None: None
        return
    display = _bar if sys.stderr.isatty() else _lines
    with display(what, total, unit) as advance:
        yield advance


@contextmanager
def _bar(what: str, total: int, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total, note="")

        def advance(count: int = 1, note: str | None = None) -> None:
            bar.update(task, advance=count, **({} if note is None else {"note": note}))

        yield advance


@contextmanager
def _lines(what: str, total: int, unit: str) -> Iterator[Advance]:
    start = last = time.monotonic()
    done = 0
    latest = ""

    def advance(count: int = 1, note: str | None = None) -> None:
        nonlocal done, last, latest
        done += count
        latest = latest if note is None else note
        now = time.monotonic()
        if now - last >= LINE_EVERY_SECONDS:
            last = now
            left = (now - start) / done * max(total - done, 0) if done else float("nan")
            line = f"{what}: {done}/{total} {unit}, {_clock(left)} left {latest}".rstrip()
            print(line, file=sys.stderr, flush=True)

    yield advance


def _clock(seconds: float) -> str:
    if seconds != seconds:
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
