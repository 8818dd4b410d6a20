"""Steps are done once, made again when anything before them changed, and resumed when cut off."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path

import pytest

from atdt.decode import Decoding, Prediction
from atdt.digests import sha256_json
from atdt.domains import ViewPlan
from atdt.experiments.steps import Steps, plain
from atdt.extract import Extraction
from atdt.networks import NetworkSpec
from atdt.texts import write_json
from atdt.training import (
    Auxiliary,
    BatchNormAdaptation,
    NormDiscrepancy,
    TaskTraining,
    Teaching,
)
from atdt.transfer import TransferTraining

# sha256 of configurations as they were before any option came later.
TRAINING = TaskTraining(
    task="depth", train=("a:train",), network=NetworkSpec("tiny", {}), out=Path("n2"), steps=7
)
RIVAL = replace(TRAINING, auxiliary=Auxiliary("semantic", ("a:train", "b:train")))
TRANSFER = TransferTraining(store=Path("a.zarr"), source="semantic", target="depth", out=Path("g"))
KNOWN = {
    "n2": (TRAINING, "fdff268de9509681cec8f6ab70a282030e60a80c9366a13d1806df846504b29d"),
    "rival": (RIVAL, "996676136205f46553f0293db37fe602bdb472a3f99607b3675f63bcc539891d"),
    "batch norm": (
        BatchNormAdaptation(Path("n2"), "b:train", Path("n2-bn")),
        "b0ade3bf3129fbb3cc3be1cd071a7e663c4f5c7546f3fb9a4ba06cd683e8f17e",
    ),
    "store": (
        Extraction(
            domain="a:train", encoders=(("depth", Path("n2")),), out=Path("a.zarr"), plan=ViewPlan()
        ),
        "999a96fc676f08fbf52a8a48fe9e43259a981d2e82c5efedaf813f970e126972",
    ),
    "decoding": (
        Decoding(transfer=Path("g"), domain="b:test", out=Path("atdt")),
        "1c0659afdf9debda05f91095c3ac794b7595ed68cb74a0b1375071d43abf950b",
    ),
    "prediction": (
        Prediction(run=Path("n2"), domain="b:test", out=Path("baseline")),
        "3d1b4353effc48c0faf6c3f2d5a11a2da00e3ff47f7894f32eccd124b99cd109",
    ),
    "g": (TRANSFER, "3551518117852d90bc0f5e9570d8eded005129216cb7c39706e3ada116b00eba"),
}


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


def test_a_step_that_another_process_is_at_is_waited_for(tmp_path, verb, calls, monkeypatch):
    record, config = tmp_path / "steps.json", Config(tmp_path / "x")
    begun, told, go_on = (threading.Event() for _ in range(3))
    # Not by capsys, which loses what is printed while it reads.
    monkeypatch.setattr(Steps, "_say", lambda self, line: "another" in line and told.set())

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
        assert told.wait(30)
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


def test_a_root_may_be_moved_and_named_from_elsewhere(tmp_path, verb, calls, monkeypatch):
    def both(root):
        steps = Steps(root / "reports/steps.json", total=2, root=root)
        (root / "runs").mkdir(parents=True, exist_ok=True)
        first = steps.do("first", verb, Config(root / "runs/a"), out=root / "runs/a")
        config = Config(root / "runs/b", text=f"{root / 'runs/a'}:train")
        return steps.do("second", verb, config, first, out=root / "runs/b")

    assert both(tmp_path / "one") == tmp_path / "one/runs/b"
    (tmp_path / "one").rename(tmp_path / "other")
    assert both(tmp_path / "other") == tmp_path / "other/runs/b"
    monkeypatch.chdir(tmp_path)
    assert both(Path("other")) == Path("other/runs/b")
    monkeypatch.chdir(tmp_path / "other")
    assert both(Path()) == Path("runs/b")
    assert len(calls) == 2
    Path("runs/a").write_text("changed by hand")  # another size
    both(Path())
    assert len(calls) == 4


def test_what_was_recorded_with_paths_as_written_is_found_again(tmp_path, verb, calls):
    """As records were before."""
    out = tmp_path / "a"
    config = Config(out)
    key = sha256_json(["make", plain(config), []])
    out.write_text("a")
    entry = {"key": key, "done": True, "path": str(out), "seconds": 1.0, "made": 7}
    write_json(tmp_path / "steps.json", {str(out): entry | {"files": {str(out): 1}}})
    verb.__qualname__ = "make"
    steps = Steps(tmp_path / "steps.json", root=tmp_path)
    assert steps.do("x", verb, config, out=out) == out
    assert not calls


def test_what_was_cut_off_goes_on_only_under_the_name_that_it_knows(
    tmp_path, verb, calls, monkeypatch
):
    def cut_off(root):
        steps = Steps(tmp_path / "steps.json", root=root)
        return steps.do("x", verb, Config(root / "a", "cut off"), out=root / "a")

    with pytest.raises(KeyboardInterrupt):
        cut_off(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        cut_off(Path())
    assert [config.resume for config in calls] == [False, False]
    assert cut_off(Path()) == Path("a")
    assert calls[-1].resume


@pytest.mark.parametrize("name", KNOWN)
def test_what_was_done_before_there_were_later_options_is_found_again(name):
    config, key = KNOWN[name]
    assert sha256_json(plain(config)) == key


@pytest.mark.parametrize(
    "changed",
    [
        replace(TRAINING, teaching=Teaching("confidence")),
        replace(TRAINING, norm_discrepancy=NormDiscrepancy(0.1)),
        replace(RIVAL, keep_auxiliary=True),
        replace(RIVAL, auxiliary=replace(RIVAL.auxiliary, decoder=Path("n1"))),
        replace(RIVAL, auxiliary=(RIVAL.auxiliary, Auxiliary("edges", ("b:train",)))),
        replace(TRANSFER, feature_noise=0.1),
        replace(TRANSFER, mixup=0.1),
    ],
)
def test_a_later_option_that_is_used_makes_another_step(changed):
    assert sha256_json(plain(changed)) not in {key for _, key in KNOWN.values()}
