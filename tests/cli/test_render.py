"""`atdt render`: options become a configuration, the last line is the folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains.streets import PAIRS

SMALL = ["--train", "1", "--val", "0", "--test", "0", "--size", "16x32", "--workers", "1"]


def test_it_renders_and_prints_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "data"
    options = ["--pair", "streets-held-out", "--gap", "camera, layout", "--no-right", "--seed", "3"]
    result = CliRunner().invoke(main, ["render", "--out", str(out), *SMALL, *options])
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == str(out)
    made = json.loads((out / "streets.json").read_text())
    assert made["pair"] == "streets-held-out"
    assert made["knobs"] == ["camera", "layout"]
    assert made["size"] == [16, 32]
    assert made["seed"] == 3
    assert made["counts"] == {"train": 1, "val": 0, "test": 0}
    assert made["right"] is False


@pytest.mark.parametrize("pair", PAIRS)
def test_every_pair_can_be_asked_for(pair: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["render", "--out", str(tmp_path), *SMALL, "--pair", pair])
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "streets.json").read_text())["pair"] == pair


def test_gap_none_gives_b_the_style_of_a(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["render", "--out", str(tmp_path), *SMALL, "--gap", "none"])
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "streets.json").read_text())["knobs"] == []
    focal = [(tmp_path / name / "domain.toml").read_text().split("focal")[1] for name in "ab"]
    assert focal[0] == focal[1]


@pytest.mark.parametrize(
    ("wrong", "named"), [(["--gap", "paint"], "'paint'"), (["--size", "4x32"], "4x32")]
)
def test_a_wrong_value_is_one_line(tmp_path: Path, wrong: list[str], named: str) -> None:
    result = CliRunner().invoke(main, ["render", "--out", str(tmp_path), *SMALL, *wrong])
    assert result.exit_code == 2
    assert named in result.output
    assert "Traceback" not in result.output


def test_help_imports_no_renderer() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from atdt.cli import main\n"
        "assert CliRunner().invoke(main, ['render', '--help']).exit_code == 0\n"
        "assert not {'trimesh', 'embreex', 'numpy', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
