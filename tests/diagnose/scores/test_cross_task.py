"""B's labels of T1 as a score of what is predicted of T2."""

import json
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from atdt.cli import main
from atdt.consistency import Scoring, score_consistency
from atdt.decode import Prediction, predict
from atdt.diagnose.scores.evidence import gather
from atdt.errors import UserError
from atdt.transfer import TransferTraining, train
from atdt.transfer.setting import prepare
from tests.made_agreement import Ground, make_agreement


@pytest.fixture(scope="module")
def ground(tmp_path_factory) -> Ground:
    return make_agreement(tmp_path_factory.mktemp("agreement"))


@pytest.fixture(scope="module")
def config(ground) -> TransferTraining:
    return TransferTraining(
        store=ground.store, source="semantic", target="depth", out=ground.folder / "g",
        options={"width": 8}, steps=3, target_run=ground.n2, device="cpu",
    )  # fmt: skip


@pytest.fixture(scope="module")
def g(config):
    return train(config)


def test_it_is_what_atdt_consistency_says(ground, g, tmp_path):
    """Of a G from B's store; of predictions without outputs, what their depth says."""
    predicted = predict(
        Prediction(run=ground.n2, domain=ground.b, out=tmp_path / "n2", device="cpu")
    )
    arguments = [
        "diagnose", str(ground.store), str(ground.b_store), "--from=semantic", "--to=depth",
        f"--target-run={ground.n2}", f"--transfer={g}", f"--predictions={predicted}",
        f"--cross-task={ground.r}", f"--out={tmp_path / 'd'}", "--device=cpu",
    ]  # fmt: skip
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "T1 read off it" in done.stdout
    content = json.loads((tmp_path / "d/diagnosis.json").read_text())["scores"]
    found = {name: scores["cross_task"] for name, scores in content["networks"].items()}
    common = {"cross_task": ground.r, "device": "cpu"}
    of_g = Scoring(scored=(g,), store=ground.b_store, out=tmp_path / "s1", **common)
    of_n2 = Scoring(scored=(predicted,), domain=ground.b, out=tmp_path / "s2", **common)
    for config, name in ((of_g, "g"), (of_n2, "n2")):
        (row,) = json.loads(score_consistency(config).read_text())["rows"]
        assert found[name] == pytest.approx(row["error"], rel=1e-3)


def test_what_cannot_be_scored_is_refused(ground, config):
    cpu = torch.device("cpu")
    setting = prepare(config)
    with pytest.raises(UserError, match="give N2 and a store of B"):
        gather(setting, "semantic", None, None, cpu, ground.r)
    features = prepare(replace(config, target_run=None))
    with pytest.raises(UserError, match="give N2 and a store of B"):
        gather(features, "semantic", ground.b_store, None, cpu, ground.r)
    back = prepare(replace(config, source="depth", target="semantic", target_run=ground.n1))
    with pytest.raises(UserError, match="whose labels T2 itself has"):
        gather(back, "depth", ground.store, None, cpu, ground.r)
    done = CliRunner().invoke(
        main,
        ["diagnose", str(ground.store), str(ground.b_store), "--from=semantic",
         f"--cross-task={ground.r}"],
    )  # fmt: skip
    assert done.exit_code == 2 and "--cross-task: is for scores" in done.stderr


def test_the_sweep_has_it_too(ground, tmp_path):
    grid = tmp_path / "grid.toml"
    grid.write_text("steps = 2\nbatch = 4\nheld_out = 0.3\n[[grid]]\noptions.width = [4, 8]\n")
    done = CliRunner().invoke(
        main,
        ["sweep", str(ground.store), f"--grid={grid}", "--from=semantic", "--to=depth",
         f"--target-run={ground.n2}", f"--b={ground.b_store}", f"--cross-task={ground.r}",
         f"--out={tmp_path / 's'}", "--device=cpu"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (board,) = json.loads((tmp_path / "s/leaderboard.json").read_text())
    assert all(line["scores"]["cross_task"] > 0 for line in board["lines"])
