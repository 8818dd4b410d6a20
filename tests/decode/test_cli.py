"""`atdt decode` and `atdt predict` at the command line."""

from pathlib import Path

from click.testing import CliRunner, Result

from atdt.cli import main
from atdt.predictions import open_predictions


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_decode_prints_the_folder_that_it_made(road, tmp_path: Path) -> None:
    made = tmp_path / "p"
    options = ["--out", made, "--device", "cpu", "--batch", 3, "--save-features"]
    result = call("decode", road.transfer, "--store", road.store, *options)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == str(made)
    info = open_predictions(made).info
    assert info["arrays"] == {"features": "float16"}
    assert info["computed"]["batch"] == 3


def test_what_was_let_through_is_said(road, tmp_path: Path) -> None:
    arguments = ["decode", road.transfer, "--domain", road.domain, "--out", tmp_path / "p"]
    arguments += ["--encoder", road.other, "--device", "cpu"]
    refused = call(*arguments)
    assert refused.exit_code == 2
    assert "E1: encoder" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    result = call(*arguments, "--allow-mismatch", "encoder")
    assert result.exit_code == 0, result.output
    assert "mismatch allowed: E1: encoder" in result.stderr


def test_predict_says_what_it_skipped(road, tmp_path: Path, write_domain) -> None:
    spec = write_domain(tmp_path / "m", {"a.png": (12, 16), "b.png": (12, 16)})
    (tmp_path / "m" / "b.png").write_bytes(b"no image")
    made = tmp_path / "p"
    options = ["--out", made, "--device", "cpu", "--crop", "8x8", "--skip-bad"]
    result = call("predict", road.n1, "--domain", spec, *options)
    assert result.exit_code == 0, result.output
    assert "skipped 1 images:" in result.stderr
    assert "b.png" in result.stderr
    assert result.stdout == f"{made}\n"
    assert open_predictions(made).view["crop"] == [8, 8]
