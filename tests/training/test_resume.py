"""A training that was cut off, in whatever way, goes on and ends with the same bits."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from atdt.errors import RunError
from atdt.networks import NetworkSpec
from atdt.runs import CHECKPOINT, CURVES, WEIGHTS, open_run
from atdt.training import Auxiliary, NormDiscrepancy, Teaching, train_task
from atdt.training.learner import Learner


class CutOffError(Exception):
    """Stands for whatever ends a process in the middle of a step."""


def cut_off(monkeypatch, config, step):
    """Train until the end of step `step`, which is not recorded any more."""
    learn = Learner.learn

    def learn_and_die(self, at, batches):
        result = learn(self, at, batches)
        if at == step:
            raise CutOffError
        return result

    with monkeypatch.context() as patched, pytest.raises(CutOffError):
        patched.setattr(Learner, "learn", learn_and_die)
        train_task(config)


def results(path):
    """What must not differ between two trainings of the same: weights, curves, scores."""
    info = open_run(path).info
    told = {key: info[key] for key in ("scores", "chosen", "network_sha256", "config")}
    return (path / WEIGHTS).read_bytes(), (path / CURVES).read_text(), told


@pytest.fixture
def variants(config, domain_a, domain_b, own_module, write_predictions):
    """Trainings that use everything that has a state."""
    guesses = write_predictions(
        "semantic",
        lambda size: np.indices(size).sum(axis=0).astype(np.uint8) % 3,
        confidence=lambda size: np.full(size, 120, np.uint8),
    )
    auxiliary = Auxiliary("edges", (f"{domain_a}:train", f"{domain_b}:train"), weight=0.5)
    return {
        "plain": config(),
        "everything": config(
            task="depth",
            train=(f"{domain_a}:train", f"{domain_b}:train@3"),
            validation=(f"{domain_a}:val", f"{domain_b}:val"),
            auxiliary=auxiliary,
            balance=True,
            flip=True,
            crop=(8, 16),
            precision="bfloat16",
            photometric="strong",
        ),
        "features": config(
            train=(f"{domain_a}:train", f"{domain_b}:train"),
            auxiliary=(auxiliary, Auxiliary("depth", (f"{domain_a}:train",))),
            keep_auxiliary=True,
            norm_discrepancy=NormDiscrepancy(0.01),
            crop=(8, 16),
        ),
        "last": config(validation=(), channels_last=False),
        "taught": config(
            pseudo_labels=((f"{domain_b}:train", guesses),),
            teaching=Teaching("confidence", teacher_decay=0.8, teacher_from=0.5, paste="depth"),
            batch=4,
        ),
        "dropout": config(network=NetworkSpec(f"{own_module}:build", {}), allow_import=True),
    }


@pytest.mark.parametrize(
    "variant", ["plain", "everything", "features", "last", "taught", "dropout"]
)
def test_a_training_that_is_cut_off_ends_with_the_same_bits(
    variants, variant, monkeypatch, tmp_path
):
    config = variants[variant]
    whole = results(train_task(config))
    for step in (0, 3, 6):
        config = replace(config, out=tmp_path / f"cut{step}")
        cut_off(monkeypatch, config, step)
        with pytest.raises(RunError, match="unfinished"):
            open_run(config.out)
        assert (config.out / CHECKPOINT).exists() == (step >= config.checkpoint_every)
        if step == 6:  # and once more, after going on
            cut_off(monkeypatch, replace(config, resume=True), step)
        assert results(train_task(replace(config, resume=True))) == whole
        assert not (config.out / CHECKPOINT).exists()


def test_a_killed_process_leaves_a_run_that_goes_on(config, tmp_path):
    """The same by SIGKILL, at whatever moment it comes after the first checkpoint."""
    config = config(steps=16, checkpoint_every=1, validate_every=8, out=tmp_path / "killed")
    program = (
        "import sys, torch\n"
        "torch.set_num_threads(1)\n"
        "from pathlib import Path, PosixPath\n"
        "import atdt.training.loop as loop\n"
        "from atdt.networks import NetworkSpec\n"
        "from atdt.training import TaskTraining, train_task\n"
        "loop.LOG_EVERY = 3\n"
        f"train_task({config!r})\n"
    )
    process = subprocess.Popen([sys.executable, "-W", "error", "-c", program])
    deadline = time.monotonic() + 60
    while not (config.out / CHECKPOINT).exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(RunError, match="unfinished"):
        open_run(config.out)
    went_on = results(train_task(replace(config, resume=True)))
    assert went_on == results(train_task(replace(config, out=tmp_path / "whole")))
    assert not list(config.out.glob(".*"))


def test_a_finished_training_is_not_done_again(config, monkeypatch):
    path = train_task(config())
    before = (path / WEIGHTS).stat().st_mtime_ns
    assert train_task(config(resume=True)) == path
    assert (path / WEIGHTS).stat().st_mtime_ns == before
    with pytest.raises(RunError, match="holds a finished run"):
        train_task(config())
    train_task(config(overwrite=True))
    assert (path / WEIGHTS).stat().st_mtime_ns != before


def test_resuming_with_other_options_names_them(config, domain_b):
    train_task(config())
    with pytest.raises(RunError, match=r"batch: the run has 2, now 3; seed: the run has 0, now 5"):
        train_task(config(batch=3, seed=5, resume=True))
    with pytest.raises(RunError, match=r"digests\.train: the run has"):
        train_task(config(train=(f"{domain_b}:train",), resume=True))
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        with pytest.raises(RunError, match="threads: the run has"):
            train_task(config(resume=True))
    finally:
        torch.set_num_threads(threads)


def test_a_frozen_decoder_goes_on_too(config, domain_a, monkeypatch, tmp_path):
    edges = Auxiliary("edges", (f"{domain_a}:train",))
    first = train_task(config(auxiliary=edges, keep_auxiliary=True, out=tmp_path / "first"))
    config = config(task="depth", auxiliary=replace(edges, decoder=first), keep_auxiliary=True)
    whole = results(train_task(config))
    config = replace(config, out=tmp_path / "cut")
    cut_off(monkeypatch, config, 4)
    with pytest.raises(RunError, match=r"auxiliary\.fine_tune: the run has False, now True"):
        tuned = replace(config.auxiliary, fine_tune=True)
        train_task(replace(config, auxiliary=tuned, resume=True))
    assert results(train_task(replace(config, resume=True))) == whole
