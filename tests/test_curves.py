"""Curves: rows of the steps that count, once each."""

import errno
from pathlib import Path

import pytest
import torch

from atdt.curves import Curves, RecentLosses
from atdt.errors import NumericsError

COLUMNS = ("loss", "validation")


def write(folder, steps, start=0):
    with Curves(folder, COLUMNS, start) as curves:
        for step in steps:
            curves.add(step, {"loss": step / 3} | ({"validation": 0.5} if step % 2 else {}))


def test_rows_leave_what_was_not_logged_empty_and_keep_every_digit(tmp_path):
    write(tmp_path, [1, 2])
    assert (tmp_path / "curves.csv").read_text() == (
        f"step,loss,validation\n1,{1 / 3!r},0.5\n2,{2 / 3!r},\n"
    )
    assert list((tmp_path / "tensorboard").iterdir())


@pytest.mark.parametrize("torn", ["", "1", "13", "13,0.1", "6,0.1,0.2\n7,"])
def test_going_on_drops_what_came_after_the_checkpoint(tmp_path, torn):
    write(tmp_path, range(1, 6))
    whole = (tmp_path / "curves.csv").read_text()
    with (tmp_path / "curves.csv").open("a") as file:
        file.write(torn)
    write(tmp_path, [4, 5], start=3)
    assert (tmp_path / "curves.csv").read_text() == whole


def test_starting_anew_forgets_all_rows(tmp_path):
    write(tmp_path, range(1, 6))
    write(tmp_path, [1])
    assert len((tmp_path / "curves.csv").read_text().splitlines()) == 2


def test_flushed_rows_are_in_the_file(tmp_path):
    with Curves(tmp_path, COLUMNS) as curves:
        curves.add(1, {"loss": 1.0})
        curves.flush()
        assert len((tmp_path / "curves.csv").read_text().splitlines()) == 2


def test_an_unknown_column_is_a_mistake_of_ours(tmp_path):
    with Curves(tmp_path, COLUMNS) as curves, pytest.raises(ValueError, match="psnr"):
        curves.add(1, {"psnr": 1.0})


def test_recent_losses_are_means_since_they_were_asked_for():
    losses = RecentLosses(["loss", "auxiliary_loss"], torch.device("cpu"))
    for value in (1.0, 3.0):
        losses.add(torch.tensor([value, 10 * value]))
    assert losses.means(2) == {"loss": 2.0, "auxiliary_loss": 20.0}
    losses.add(torch.tensor([5.0, 0.0]))
    restored = RecentLosses(["loss", "auxiliary_loss"], torch.device("cpu"))
    restored.restore(losses.tensors())
    for each in (losses, restored):
        each.add(torch.tensor([6.0, 1.0]))
        assert each.means(4) == {"loss": 5.5, "auxiliary_loss": 0.5}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_losses_that_are_not_finite_stop_the_training(value):
    losses = RecentLosses(["loss"], torch.device("cpu"))
    losses.add(torch.tensor([value]))
    losses.add(torch.tensor([1.0]))
    with pytest.raises(NumericsError, match="not finite at step 12"):
        losses.means(12)


def test_a_disk_full_from_the_start_leaves_no_file_open(tmp_path, monkeypatch):
    opened = []
    real = Path.open

    def failing(path, *args, **kwargs):
        if path.name == "curves.csv":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        opened.append(real(path, *args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(OSError, match="No space left"):
        Curves(tmp_path, COLUMNS)
    assert any("tfevents" in str(file.name) for file in opened)
    assert all(file.closed for file in opened)
