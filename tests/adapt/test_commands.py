"""The verbs of this room on the command line."""

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains import open_domain
from atdt.runs import open_run


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def train(a, b, out, *more):
    return run(
        *("train-cyclegan", "--a", a, "--b", b, "--out", out, "--steps", 2, "--width", 4),
        *("--blocks", 1, "--device", "cpu", *more),
    )


def test_train_cyclegan_prints_costs_picture_and_run(domain_a, domain_b, tmp_path):
    out = tmp_path / "looks"
    done = train(
        *(domain_a, domain_b, out, "--batch", 2, "--crop", "24x28", "--no-flip", "--seed", 3),
        *("--learning-rate", 1e-4, "--cycle-weight", 9, "--identity-weight", 0, "--history", 2),
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("two generators of width 4 with 1 blocks (published: 64 with 9), ")
    assert "image of 24x28" in lines[0]
    assert lines[1].startswith("2 steps of 2 and 2 images: 1.33 passes ")
    assert lines[-2:] == [f"A, A as B, B, B as A: {out / 'looks.png'}", str(out)]
    config = open_run(out).info["config"]
    told = {"batch": 2, "crop": [24, 28], "flip": False, "seed": 3, "learning_rate": 1e-4}
    told |= {"cycle_weight": 9.0, "identity_weight": 0.0, "history": 2, "width": 4, "blocks": 1}
    assert {key: config[key] for key in told} == told


def test_adapt_prints_the_domain_that_it_made(trained, domain_b, tmp_path):
    out = tmp_path / "b-as-a"
    done = run("adapt", trained, f"{domain_b}:train", "--to", "a", "--out", out, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == ["reddish-as-plain:train, 2 images", str(out)]
    open_domain(f"{out}:train", labels=["semantic"])
    again = run("adapt", trained, domain_b, "--to", "a", "--out", out, "--device", "cpu")
    assert again.exit_code == 2
    assert again.stderr.startswith("Error: ")
    assert "--resume" in again.stderr


def test_adapt_says_what_it_skipped(trained, make_domain, tmp_path):
    original = make_domain(tmp_path / "broken", "broken")
    (original / "train/image/1.png").write_bytes(b"no image")
    out = tmp_path / "out"
    done = run(
        *("adapt", trained, original, "--to", "b", "--out", out, "--device", "cpu", "--skip-bad")
    )
    assert done.exit_code == 0, done.output
    assert "skipped 1 images:" in done.stderr
    assert "1.png" in done.stderr


def test_an_interrupted_adaptation_says_how_it_goes_on(trained, domain_b, tmp_path, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("atdt.adapt.adapting.paint", interrupted)
    out = tmp_path / "out"
    done = run("adapt", trained, domain_b, "--to", "a", "--out", out, "--device", "cpu")
    assert done.exit_code == 130
    assert done.stderr.strip() == "stopped; go on by the same command with --resume"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--width", 0), "--width 0: must be"),
        (("--crop", "16x16"), "at least 24 pixels a side"),
        (("--resume", "--overwrite"), "exclude each other"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(domain_a, domain_b, tmp_path, arguments, message):
    done = train(domain_a, domain_b, tmp_path / "looks", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
