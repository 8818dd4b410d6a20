"""What progress prints when nobody looks at a terminal."""

import re
import sys
from types import SimpleNamespace

import atdt.progress
from atdt.progress import progress


def test_lines_tell_how_far_and_how_long(capsys, monkeypatch):
    clock = iter([0.0, 20.0, 25.0, 40.0])
    # not in `time` itself: threads of other tests, such as dask's, look at that clock too
    monkeypatch.setattr(atdt.progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with progress("extract", total=8, unit="samples") as advance:
        advance(2)  # at 20 s: six samples left at ten seconds each
        advance(1)  # at 25 s: too soon for another line
        advance(1, note="loss 0.5")  # at 40 s
    assert capsys.readouterr().err.splitlines() == [
        "extract: 2/8 samples, 1:00 left",
        "extract: 4/8 samples, 0:40 left loss 0.5",
    ]


def test_short_work_prints_nothing(capsys):
    with progress("verify", total=3) as advance:
        advance(3)
    assert capsys.readouterr().err == ""


def test_on_a_terminal_there_are_lines_under_the_bar(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    seen = []
    with progress("4 Gs", total=2, below=lambda wide: f"wide {wide}, {len(seen)} seen") as advance:
        for _ in range(2):
            seen.append(advance(1, note="4 are left"))
    shown = capsys.readouterr().err
    assert "4 Gs" in shown and "2/2" in shown and "4 are left" in shown
    assert re.search(r"wide \d+, 2 seen", shown)
