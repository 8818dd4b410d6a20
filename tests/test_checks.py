"""What all trainings refuse alike."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.checks import (
    check_counts,
    check_goes_on_or_anew,
    check_out_apart,
    check_seed_and_rate,
)
from atdt.errors import RunError, UserError
from atdt.places import place


@given(st.integers(), st.none() | st.integers(min_value=1))
def test_counts_are_one_or_more_or_left_open(count: int, other: int | None) -> None:
    config = SimpleNamespace(steps_a_view=count, window=other)
    if count >= 1:
        check_counts(config, ("steps_a_view", "window"))
    else:
        with pytest.raises(RunError, match=rf"^--steps-a-view {count}: must be ≥ 1$"):
            check_counts(config, ("window", "steps_a_view"), RunError)


@given(st.floats())
def test_a_learning_rate_is_a_finite_number_above_0(rate: float) -> None:
    config = SimpleNamespace(seed=0, learning_rate=rate)
    if 0 < rate < float("inf"):
        check_seed_and_rate(config)
    else:
        said = re.escape(f"--learning-rate {rate}: must be above 0, and finite")
        with pytest.raises(UserError, match=said):
            check_seed_and_rate(config)


def test_a_seed_is_not_negative() -> None:
    check_seed_and_rate(SimpleNamespace(seed=0, learning_rate=1.0))
    with pytest.raises(UserError, match=r"^--seed -1: must be ≥ 0$"):
        check_seed_and_rate(SimpleNamespace(seed=-1, learning_rate=1.0))


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("overwrite", [False, True])
def test_going_on_and_starting_anew_exclude_each_other(resume: bool, overwrite: bool) -> None:
    if resume and overwrite:
        with pytest.raises(RunError, match="exclude each other: go on, or start anew"):
            check_goes_on_or_anew(resume=resume, overwrite=overwrite, wrong=RunError)
    else:
        check_goes_on_or_anew(resume=resume, overwrite=overwrite)


@pytest.mark.parametrize("read", ["out", "out/labels1", "out/../out", "link", "link/round1"])
def test_what_is_read_is_not_written_over(tmp_path, monkeypatch, read) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to("out")
    monkeypatch.chdir(tmp_path)
    said = re.escape(f"--out out: is or holds {read}, which is read; choose another --out")
    with pytest.raises(RunError, match=said):
        check_out_apart(Path("out"), [None, Path("other"), Path(read)], RunError)


def test_what_lies_elsewhere_may_be_read(tmp_path) -> None:
    check_out_apart(tmp_path / "out", [None, tmp_path, tmp_path / "out2", tmp_path / "a" / "out"])


def test_a_bucket_is_not_written_over_either() -> None:
    out, apart = place("memory://bucket/out"), place("memory://bucket/out2")
    check_out_apart(out, [apart, Path("bucket/out")])
    for read in (out, place("memory://bucket/out/labels1")):
        with pytest.raises(UserError, match="is or holds memory://bucket/out"):
            check_out_apart(out, [apart, read])
