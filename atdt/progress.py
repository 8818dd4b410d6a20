"""Progress with time left: a bar on a terminal, a line every ten seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from atdt.launch import launch

LINE_EVERY_SECONDS = 10.0
Advance = Callable[..., None]
Below = Callable[[int], str]


@contextmanager
def progress(
    what: str, total: int, unit: str = "steps", below: Below | None = None
) -> Iterator[Advance]:
    """Yield `advance(count=1, note="")`, which moves the display on stderr.

    `note` is a short text shown behind the bar (a loss, a file). Nothing is printed for work that
    ends before the first line is due, unless stderr is a terminal; and nothing by other ranks of
    a training than the first.

    Args:
        below: gives the lines that stand under the bar on a terminal so wide, again and again.
    """
    if not launch().is_first:
        yield lambda count=1, note=None: None
    elif sys.stderr.isatty():
        with _bar(what, total, unit, below) as advance:
            yield advance
    else:
        with _lines(what, total, unit) as advance:
            yield advance


@contextmanager
def _bar(what: str, total: int, unit: str, below: Below | None) -> Iterator[Advance]:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    console = Console(stderr=True)
    bar = Progress(*columns, console=console)

    def shown() -> Group:
        more = [] if below is None else [Text(below(console.width), no_wrap=True)]
        return Group(bar, *more)

    with Live(console=console, get_renderable=shown, refresh_per_second=4):
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
