"""The verbs of this room on the command line."""

import pytest
import torch
from click.testing import CliRunner

from atdt.cli import main
from atdt.networks import NetworkSpec
from atdt.runs import open_run
from atdt.training import load_task_network


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def train(domain, out, *more):
    return run(
        *("train-task", "--task", "semantic", "--train", f"{domain}:train", "--out", out),
        *("--steps", 4, "--batch", 2, "--device", "cpu", "--checkpoint-every", 2, *more),
    )


def test_train_task_prints_the_score_and_the_path(domain_a, own_module, tmp_path):
    done = train(
        *(domain_a, tmp_path / "n1", "--validation", f"{domain_a}:val", "--crop", "8x16"),
        *("--network", f"{own_module}:build", "--network-option", "width=6", "--allow-import"),
        *("--flip", "--seed", 3),
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    info = open_run(tmp_path / "n1").info
    assert lines[-2] == f"best validation miou {info['scores']['miou']:.4f}, after 4 steps"
    assert lines[-1] == str(tmp_path / "n1")
    assert info["network"] == {"name": f"{own_module}:build", "options": {"width": 6}}
    assert info["config"]["crop"] == [8, 16]
    assert info["config"]["flip"] is True
    assert info["config"]["seed"] == 3


def test_everything_that_a_rival_needs_can_be_said(domain_a, domain_b, tmp_path):
    assert train(domain_a, tmp_path / "first").exit_code == 0
    done = train(
        *(domain_a, tmp_path / "two", "--auxiliary-task", "depth", "--balance"),
        *("--auxiliary-train", f"{domain_a}:train", "--auxiliary-train", f"{domain_b}:train"),
        *("--auxiliary-weight", 0.5, "--init-from", tmp_path / "first", "--no-channels-last"),
        *("--photometric", "strong", "--precision", "bfloat16", "--resize", "16x24"),
    )
    assert done.exit_code == 0, done.output
    assert "no --validation domain: the last weights were kept" in done.stdout
    config = open_run(tmp_path / "two").info["config"]
    assert config["auxiliary"]["task"] == "depth"
    assert config["auxiliary"]["weight"] == 0.5
    assert config["init_from"] == str(tmp_path / "first")
    assert config["channels_last"] is False


def test_features_can_be_asked_for(domain_a, domain_b, tmp_path):
    a, b = f"{domain_a}:train", f"{domain_b}:train"
    done = train(
        *(domain_a, tmp_path / "n1", "--auxiliary", "edges", "--auxiliary-train", a),
        *("--auxiliary-train", f"edges={b}", "--auxiliary-weight", "0.2"),
        *("--keep-auxiliary-decoder", "--train", b, "--norm-discrepancy", 0.01),
    )
    assert done.exit_code == 0, done.output
    done = train(
        *(domain_a, tmp_path / "n2", "--auxiliary", "edges", "--auxiliary", "depth"),
        *("--auxiliary-train", f"edges={b}", "--auxiliary-train", f"depth={a}"),
        *("--auxiliary-weight", "depth=0.5", "--auxiliary-decoder", f"edges={tmp_path / 'n1'}"),
        *("--fine-tune-auxiliary-decoder", "--norm-discrepancy", 0.01),
        *("--norm-discrepancy-between", a, "--norm-discrepancy-between", b),
    )
    assert done.exit_code == 0, done.output
    edges, depth = open_run(tmp_path / "n2").info["config"]["auxiliary"]
    taken = {"decoder": str(tmp_path / "n1"), "fine_tune": True}
    assert edges == {"task": "edges", "train": [b], "weight": 1.0} | taken
    assert depth == {"task": "depth", "train": [a], "weight": 0.5}


def test_weights_chosen_on_a_domain_that_was_not_trained_on_are_remarked(
    domain_a, domain_b, tmp_path
):
    done = train(domain_a, tmp_path / "n", "--validation", f"{domain_b}:val")
    assert done.exit_code == 0, done.output
    assert "not trained on" in done.stderr
    assert (
        "not trained on"
        not in train(domain_a, tmp_path / "m", "--validation", f"{domain_a}:val").stderr
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--auxiliary-train", "x"), "needs --auxiliary TASK"),
        (("--auxiliary", "edges", "--auxiliary-weight", "much"), "much: is not a number"),
        (
            ("--auxiliary", "edges", "--auxiliary", "depth", "--auxiliary-train", "x"),
            "--auxiliary-train x: write TASK=…, of edges, depth",
        ),
        (("--fine-tune-auxiliary-decoder",), "needs --auxiliary-decoder RUN"),
        (("--norm-discrepancy-between", "x"), "needs --norm-discrepancy"),
        (("--norm-discrepancy", "1"), "is between two domains"),
        (("--pseudo", "nothing"), "write SPEC=PREDICTIONS"),
        (("--resume", "--overwrite"), "exclude each other"),
        (("--network", "os:system"), "--allow-import"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(domain_a, tmp_path, arguments, message):
    done = train(domain_a, tmp_path / "n", *arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_pseudo_labels_divide_at_the_last_equals_sign(domain_a, tmp_path):
    done = train(domain_a, tmp_path / "n", "--pseudo", f"{tmp_path}/a=b:train={tmp_path}/p")
    assert done.exit_code == 2
    assert f"{tmp_path}/a=b" in done.output


def test_an_interrupted_training_says_where_it_goes_on(domain_a, tmp_path, monkeypatch):
    from atdt.training.learner import Learner

    learn = Learner.learn

    def interrupted(self, step, batches):
        if step == 3:
            raise KeyboardInterrupt
        return learn(self, step, batches)

    with monkeypatch.context() as patched:
        patched.setattr(Learner, "learn", interrupted)
        done = train(domain_a, tmp_path / "n")
    assert done.exit_code == 130
    assert done.stderr.strip() == "stopped; go on by the same command with --resume"
    assert train(domain_a, tmp_path / "n").exit_code == 2
    assert train(domain_a, tmp_path / "n", "--resume").exit_code == 0


def test_adapt_bn_says_how_many_layers_changed(domain_a, domain_b, tmp_path):
    train(domain_a, tmp_path / "n")
    done = run(
        *("adapt-bn", tmp_path / "n", "--domain", f"{domain_b}:train", "--device", "cpu"),
        *("--out", tmp_path / "n-b"),
    )
    assert done.exit_code == 0, done.output
    layers = open_run(tmp_path / "n-b").info["adapted"]["layers"]
    assert done.stdout.splitlines() == [
        f"{layers} batch-norm layers now have the statistics of 4 images",
        str(tmp_path / "n-b"),
    ]


def test_import_takes_a_users_network_without_asking_twice(domain_a, own_module, tmp_path):
    network = NetworkSpec(f"{own_module}:build", {"width": 6})
    from atdt.networks import build_network

    torch.save(build_network(network, 4, allow_import=True).state_dict(), tmp_path / "w.pth")
    (tmp_path / "pre.toml").write_text("mean = [0.5, 0.5, 0.5]\nstd = [0.25, 0.25, 0.25]\n")
    done = run(
        *("import", "--network", network.name, "--network-option", "width=6"),
        *("--weights", tmp_path / "w.pth", "--task", "semantic", "--label-space", "coarse4"),
        *("--preprocessing", tmp_path / "pre.toml", "--out", tmp_path / "n", "--device", "cpu"),
        *("--domain", f"{domain_a}:val", "--images", 2, "--training-focal", 96),
    )
    assert done.exit_code == 0, done.output
    sha256, score, path = done.stdout.splitlines()
    info = load_task_network(tmp_path / "n", allow_import=True).run.info
    assert sha256.endswith(info["imported"]["weights_sha256"])
    assert score.startswith(f"miou {info['scores']['miou']:.4f} on 2 images of {domain_a}:val;")
    assert "fresh weights" in score
    assert path == str(tmp_path / "n")
    assert info["training_focal"] == 96.0
