"""Grids that several files of tests race, and what their sweeps leave behind."""

import json

TWO = "steps = 9\nbatch = 5\nheld_out = 0.3\n[[grid]]\noptions.width = 8\nseed = [0, 1]\n"
MIXED = (
    "steps = 8\nbatch = 5\nheld_out = 0.3\n"
    "[[grid]]\noptions.width = [4, 8]\nlearning_rate = [1e-3, 1e-2]\n"
    '[[grid]]\narchitecture = "ridge"\n'
    '[[grid]]\narchitecture = "head"\noptions.width = 8\n'
)

FOLDER = "depth-to-semantic"


def board(path):
    (only,) = json.loads((path.parent / "leaderboard.json").read_text())
    return only, {line["name"]: line for line in only["lines"]}
