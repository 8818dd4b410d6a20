"""Tasks are found by the names of their files."""

import sys
from pathlib import Path

import pytest

import atdt.tasks
from atdt.errors import UserError
from atdt.tasks import get_task, task_names
from atdt.tasks.base import Task

ANOTHER = """
from atdt.tasks.edges import Edges

class Outlines(Edges):
    name = "outlines"

TASK = Outlines()
"""


def test_there_are_five_tasks_that_know_their_names():
    assert task_names() == ["depth", "disparity", "edges", "normals", "semantic"]
    for name in task_names():
        task = get_task(name)
        assert isinstance(task, Task)
        assert task.name == name


def test_a_file_adds_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "outlines.py").write_text(ANOTHER)
    (tmp_path / "_draft.py").write_text("")
    monkeypatch.setattr(atdt.tasks, "__path__", [*atdt.tasks.__path__, str(tmp_path)])
    assert task_names() == ["depth", "disparity", "edges", "normals", "outlines", "semantic"]
    try:
        assert get_task("outlines").name == "outlines"
    finally:
        sys.modules.pop("atdt.tasks.outlines", None)


@pytest.mark.parametrize("name", ["stereo", "base", "files", "../depth", ""])
def test_an_unknown_task_is_refused_with_the_names(name: str):
    with pytest.raises(UserError, match=r"there are depth, disparity, edges, normals, semantic"):
        get_task(name)


def test_the_headline_is_among_the_metrics_and_agrees_on_the_direction(space):
    for name in task_names():
        task = get_task(name)
        metrics = {metric.key: metric for metric in task.metrics(space)}
        assert metrics[task.headline].higher_is_better == task.higher_is_better
        assert not metrics[task.headline].diagnostic
        assert len(metrics) == len(task.metrics(space))
