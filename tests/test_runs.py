"""Run folders: begun, gone on with, replaced, finished, and proved on opening."""

import contextlib
import json

import pytest
import torch

from atdt.errors import RunError
from atdt.runs import (
    CHECKPOINT,
    INFO,
    WEIGHTS,
    create_run,
    differences,
    load_checkpoint,
    open_run,
    save_checkpoint,
)
from tests.made_kills import Killed, dying_after

CONFIG = {"steps": 3, "network": {"name": "tiny", "options": {}}, "crop": (2, 4)}
TENSORS = {"a": torch.arange(6.0).reshape(2, 3)}


@pytest.fixture
def finished(tmp_path):
    run = create_run(tmp_path / "run", "task-network", CONFIG)
    run.finish(TENSORS, scores={"miou": 0.5})
    return run.path


def edit(path, **keys):
    info = json.loads((path / INFO).read_text())
    (path / INFO).write_text(json.dumps(info | keys))


def test_a_finished_run_opens_with_its_weights_and_words(finished):
    run = open_run(finished, "task-network")
    assert run.complete
    assert run.kind == "task-network"
    assert run.info["scores"] == {"miou": 0.5}
    assert run.info["config"]["crop"] == [2, 4]
    assert run.info["provenance"]["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert torch.equal(run.weights()["a"], TENSORS["a"])


def test_an_unfinished_run_is_refused_with_what_to_do(tmp_path):
    run = create_run(tmp_path / "run", "task-network", CONFIG)
    with pytest.raises(RunError, match=r"run: an unfinished run; repeat .* with --resume"):
        open_run(run.path)
    with pytest.raises(RunError, match="unfinished"):
        run.weights()


def test_a_folder_that_is_no_run_is_refused(tmp_path, finished):
    with pytest.raises(RunError, match="nowhere: not a run"):
        open_run(tmp_path / "nowhere")
    with pytest.raises(RunError, match="holds a task-network, where a transfer is needed"):
        open_run(finished, "transfer")
    edit(finished, schema=2)
    with pytest.raises(RunError, match="not of schema 1"):
        open_run(finished)
    (finished / INFO).write_text("[]")
    with pytest.raises(RunError, match="not of schema 1"):
        open_run(finished)
    (finished / INFO).write_text('{"schema": 1, "kind": "transfer", "complete": "yes"}')
    with pytest.raises(RunError, match="'complete' is missing or no bool"):
        open_run(finished)
    (finished / INFO).write_text("{")
    with pytest.raises(RunError, match="not valid JSON"):
        open_run(finished)


def test_weights_that_changed_are_refused(finished):
    data = bytearray((finished / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (finished / WEIGHTS).write_bytes(data)
    with pytest.raises(RunError, match=r"weights\.safetensors: changed since"):
        open_run(finished)
    (finished / WEIGHTS).unlink()
    with pytest.raises(RunError, match="not there; train again"):
        open_run(finished)


@pytest.mark.parametrize("file", ["../secret", "/etc/passwd", "link", 7, None])
def test_weights_outside_the_run_are_refused(tmp_path, finished, file):
    (tmp_path / "secret").write_bytes((finished / WEIGHTS).read_bytes())
    (finished / "link").symlink_to(tmp_path / "secret")
    sha256 = open_run(finished).info["weights"]["sha256"]
    edit(finished, weights={"file": file, "sha256": sha256})
    with pytest.raises(RunError, match=r"run\.json"):
        open_run(finished)


def test_a_run_json_or_checkpoint_that_is_a_link_out_is_refused(tmp_path, finished):
    outside = tmp_path / "outside.json"
    (finished / INFO).rename(outside)
    (finished / INFO).symlink_to(outside)
    with pytest.raises(RunError, match="a link leads out"):
        open_run(finished)
    run = create_run(tmp_path / "other", "transfer", CONFIG)
    (run.path / CHECKPOINT).symlink_to(outside)
    with pytest.raises(RunError, match="a link leads out"):
        load_checkpoint(run)


def test_a_run_json_that_would_fill_the_memory_is_not_read(finished, monkeypatch):
    monkeypatch.setattr("atdt.runs.LARGEST_INFO", 10)
    with pytest.raises(RunError, match="larger than 10 bytes"):
        open_run(finished)


def test_checkpoints_are_exact_and_replaced(tmp_path):
    run = create_run(tmp_path / "run", "transfer", CONFIG)
    assert load_checkpoint(run) is None
    save_checkpoint(run, TENSORS, {"step": 1})
    state = {"step": 2, "loss": 0.1 + 0.2, "none": None}
    save_checkpoint(run, {"b": TENSORS["a"].bfloat16()}, state)
    tensors, found = load_checkpoint(run)
    assert found == state
    assert list(tensors) == ["b"]
    assert torch.equal(tensors["b"], TENSORS["a"].bfloat16())
    run.finish(TENSORS)
    assert not (run.path / CHECKPOINT).exists()


def test_every_flipped_bit_of_a_checkpoint_is_noticed(tmp_path):
    run = create_run(tmp_path / "run", "transfer", CONFIG)
    path = save_checkpoint(run, TENSORS, {"step": 1})
    good = path.read_bytes()
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 1 << position % 7
        path.write_bytes(bad)
        try:
            tensors, state = load_checkpoint(run)
        except RunError as error:
            assert str(path) in str(error)
        else:
            # Only blanks that JSON or the format does not mind may differ.
            assert state == {"step": 1}
            assert torch.equal(tensors["a"], TENSORS["a"])


def test_what_is_there_is_not_replaced_unasked(finished):
    with pytest.raises(RunError, match="holds a finished run; --overwrite replaces it"):
        create_run(finished, "task-network", CONFIG)
    with pytest.raises(RunError, match="exclude each other"):
        create_run(finished, "task-network", CONFIG, resume=True, overwrite=True)


def test_an_unfinished_run_says_how_to_go_on(tmp_path):
    create_run(tmp_path / "run", "task-network", CONFIG)
    with pytest.raises(RunError, match="--resume goes on with it, --overwrite replaces it"):
        create_run(tmp_path / "run", "task-network", CONFIG)


def test_other_peoples_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years")
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(RunError, match="holds other files"):
            create_run(tmp_path, "task-network", CONFIG, **options)
        with pytest.raises(RunError, match="is a file"):
            create_run(tmp_path / "thesis.tex", "task-network", CONFIG, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_resuming_takes_up_the_same_config_only(tmp_path, finished):
    assert create_run(finished, "task-network", CONFIG, resume=True).complete
    with pytest.raises(RunError, match="steps: the run has 3, now 4; crop: the run has"):
        create_run(finished, "task-network", CONFIG | {"steps": 4, "crop": (2, 5)}, resume=True)
    with pytest.raises(RunError, match="holds a task-network, not a transfer"):
        create_run(finished, "transfer", CONFIG, resume=True)
    begun = create_run(tmp_path / "fresh", "transfer", CONFIG, resume=True)
    assert not begun.complete
    save_checkpoint(begun, TENSORS, {"step": 1})
    again = create_run(tmp_path / "fresh", "transfer", CONFIG, resume=True)
    assert load_checkpoint(again)[1] == {"step": 1}
    assert len(again.info["provenance"]["resumed"]) == 1


def test_threads_do_not_matter_where_several_ranks_train(tmp_path):
    one, several = CONFIG | {"threads": 2}, CONFIG | {"threads": None}
    for name, begun, gone_on in (("a", one, several), ("b", several, one), ("c", several, several)):
        create_run(tmp_path / name, "transfer", begun)
        assert not create_run(tmp_path / name, "transfer", gone_on, resume=True).complete
        with pytest.raises(RunError, match=r"started with; steps: the run has 3, now 4$"):
            create_run(tmp_path / name, "transfer", gone_on | {"steps": 4}, resume=True)
    with pytest.raises(RunError, match="threads: the run has 2, now 1"):
        create_run(tmp_path / "a", "transfer", one | {"threads": 1}, resume=True)


def test_overwriting_leaves_nothing_of_the_old_run(tmp_path):
    run = create_run(tmp_path / "run", "transfer", CONFIG)
    save_checkpoint(run, TENSORS, {"step": 1})
    (run.path / "tensorboard").mkdir()
    for name in ("curves.csv", "tensorboard/events", ".run.json.x.partial"):
        (run.path / name).write_text("old")
    new = create_run(run.path, "transfer", CONFIG | {"steps": 9}, overwrite=True)
    assert load_checkpoint(new) is None
    assert sorted(p.name for p in run.path.iterdir()) == [INFO, "tensorboard"]
    assert not list((run.path / "tensorboard").iterdir())


@pytest.mark.parametrize("after", range(4))
def test_a_kill_while_overwriting_never_mixes_two_runs(tmp_path, monkeypatch, after):
    """Whatever was done before the kill, a checkpoint is never beside another run's config."""
    run = create_run(tmp_path / "run", "transfer", CONFIG)
    save_checkpoint(run, TENSORS, {"step": 1})
    dying = dying_after(after)
    for place in ("atdt.runs.write_json", "atdt.runs._remove_results", "pathlib.Path.unlink"):
        module, _, name = place.rpartition(".")
        owner = __import__(module.partition(".")[0])
        for part in module.split(".")[1:]:
            owner = getattr(owner, part)
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))
    with contextlib.suppress(Killed):
        create_run(run.path, "transfer", CONFIG | {"steps": 9}, overwrite=True)
    monkeypatch.undo()
    steps = json.loads((run.path / INFO).read_text())["config"]["steps"]
    assert steps == 3 or not (run.path / CHECKPOINT).exists()


def test_differences_name_nested_keys():
    old = {"a": 1, "deep": {"x": [1], "y": None}, "gone": 2}
    new = {"a": 1, "deep": {"x": [2], "y": None}, "new": 3}
    assert differences(old, old) == []
    assert [line.partition(":")[0] for line in differences(old, new)] == ["deep.x", "gone", "new"]
