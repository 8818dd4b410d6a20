"""The leaderboards of a sweep as Markdown, CSV and JSON."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from atdt.evaluate.table import markdown
from atdt.experiments.sweep.board import Board
from atdt.experiments.sweep.verdict import picked, verdict
from atdt.files import write_atomic
from atdt.texts import write_json


def write_boards(folder: Path, boards: Sequence[Board]) -> Path:
    """Write leaderboard.md, .csv and .json; the first's path."""
    content = [_described(board) for board in boards]
    write_json(folder / "leaderboard.json", content)
    flat = [{"title": b["title"]} | _flat(line) for b in content for line in b["lines"]]
    text = io.StringIO(newline="")
    names = list(dict.fromkeys(name for line in flat for name in line))
    rows = csv.DictWriter(text, names, lineterminator="\n")
    rows.writeheader()
    rows.writerows(flat)
    write_atomic(folder / "leaderboard.csv", text.getvalue().encode())
    parts = [part for board in boards for part in _markdown(board)]
    return write_atomic(folder / "leaderboard.md", ("\n\n".join(parts) + "\n").encode())


def _markdown(board: Board) -> list[str]:
    scores = board.scores_table()
    of_b = [] if scores is None else [markdown(scores), board.note()]
    return [markdown(board.table()), *verdict(board), *of_b]


def _described(board: Board) -> dict[str, Any]:
    return board.described() | {"picked": picked(board), "verdict": verdict(board)}


def _flat(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line with its scores beside the rest, and what B's labels say as b/KEY."""
    plain = {key: value for key, value in line.items() if key not in ("scores", "judged")}
    return plain | line["scores"] | {f"b/{key}": value for key, value in line["judged"].items()}
