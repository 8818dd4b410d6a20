"""Steps are done once, made again when anything before them changed, and resumed when cut off."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import pytest

from atdt.experiments.steps import Steps


@dataclass(frozen=True)
class Config:
    out: Path
    text: str = "a"
    resume: bool = False
    overwrite: bool = False


@pytest.fixture
def calls():
    return []


@pytest.fixture
def verb(calls):
    def make(config):
        calls.append(config)
        if config.text == "cut off" and not config.resume:
            config.out.write_text("half")
            raise KeyboardInterrupt
        config.out.write_text(config.text)
        return config.out

    return make


def test_a_step_is_done_once(tmp_path, verb, calls, capsys):
    config = Config(tmp_path / "x")
    for _ in range(2):
        steps = Steps(tmp_path / "steps.json", total=1)
        assert steps.do("make x", verb, config, out=config.out) == config.out
    assert len(calls) == 1
    assert capsys.readouterr().err.splitlines() == [
        "[1/1] make x",
        f"[1/1] make x: found {config.out}",
    ]


def test_two_processes_keep_what_each_other_noted(tmp_path, verb, calls):
    record = tmp_path / "steps.json"
    one, other = Steps(record), Steps(record)
    first, second = Config(tmp_path / "x"), Config(tmp_path / "y")
    one.do("x", verb, first, out=first.out)
    other.do("y", verb, second, out=second.out)
    for config in (first, second):
        Steps(record).do("again", verb, config, out=config.out)
    assert len(calls) == 2


def test_a_step_that_another_process_is_at_is_waited_for(tmp_path, verb, calls, capsys):
    record, config = tmp_path / "steps.json", Config(tmp_path / "x")
    begun, go_on = threading.Event(), threading.Event()

    @wraps(verb)  # a step is known by its verb's name
    def slow(config):
        begun.set()
        assert go_on.wait(30)
        return verb(config)

    def late():
        return Steps(record).do("x", verb, config, out=config.out)

    with ThreadPoolExecutor() as pool:  # locks are of open files: threads stand for processes
        first = pool.submit(Steps(record).do, "x", slow, config, out=config.out)
        assert begun.wait(30)
        second = pool.submit(late)
        while "another process is at it" not in capsys.readouterr().err:
            assert not second.done()
        go_on.set()
        assert first.result() == second.result() == config.out
    assert len(calls) == 1


def test_a_changed_configuration_makes_the_step_and_all_after_it_anew(tmp_path, verb, calls):
    first, second = Config(tmp_path / "x"), Config(tmp_path / "y")
    for text in ("a", "b"):
        steps = Steps(tmp_path / "steps.json", total=2)
        made = steps.do("x", verb, Config(first.out, text), out=first.out)
        steps.do("y", verb, second, made, out=second.out)
    assert [(c.out.name, c.overwrite) for c in calls] == [
        ("x", False),
        ("y", False),
        ("x", True),
        ("y", True),
    ]


def test_a_result_that_was_deleted_is_made_again(tmp_path, verb, calls):
    config = Config(tmp_path / "x")
    for _ in range(2):
        Steps(tmp_path / "steps.json", total=1).do("x", verb, config, out=config.out)
        config.out.unlink()
    assert len(calls) == 2


def test_a_step_that_was_cut_off_is_resumed(tmp_path, verb, calls):
    config = Config(tmp_path / "x", text="cut off")
    with pytest.raises(KeyboardInterrupt):
        Steps(tmp_path / "steps.json", total=1).do("x", verb, config, out=config.out)
    Steps(tmp_path / "steps.json", total=1).do("x", verb, config, out=config.out)
    assert [c.resume for c in calls] == [False, True]
    assert config.out.read_text() == "cut off"


def test_what_no_step_made_is_not_replaced(tmp_path, verb, calls):
    config = Config(tmp_path / "x")
    config.out.write_text("somebody's")
    Steps(tmp_path / "steps.json", total=1).do("x", verb, config, out=config.out)
    assert not calls[0].overwrite
