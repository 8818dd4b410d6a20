"""`atdt rank-scores`: from leaderboards to which score predicts best, chosen and reported apart."""

import json
import tomllib

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.errors import MismatchError, UserError
from atdt.experiments.rank_scores import RankScores, rank_scores

GS = 40


@pytest.fixture
def leaderboard(tmp_path):
    """Writes a sweep's: "good" predicts the error on B, "noise" does not, "bad" the contrary."""

    def write(name, seed, *, title="semantic to depth", task="depth", **changes):
        random = np.random.default_rng(seed)
        errors = random.uniform(0.3, 0.6, GS)
        lines = [
            {
                "name": f"g{k}",
                "configuration": f"g{k - k % 2}",
                "scores": {
                    "good": 2 * error + random.normal(0, 0.01),
                    "noise": random.normal(),
                    "bad": 10 + error,
                    "same": 1.0,
                    "seldom": error if k < 2 else None,
                },
                "judged": {"abs_rel": error},
            }
            for k, error in enumerate(errors)
        ]
        lines.append({"name": "h", "configuration": "h", "scores": {}, "judged": {}})  # diverged
        column = {"title": "t", "better": "lower", "digits": 3}
        higher = column | {"better": "higher"}
        board = {
            "title": title,
            "task": task,
            "encoders": {"source": f"e1-{seed}", "target": f"e2-{seed}"},
            "scores": {
                "noise": column | {"title": "noise"},
                "good": column | {"title": "good"},
                "bad": higher | {"title": "bad"},
                "same": column,
                "seldom": column,
            },
            "truths": {"abs_rel": column | {"title": "abs rel on B"}},
            "lines": lines,
        } | changes
        folder = tmp_path / name
        folder.mkdir()
        (folder / "leaderboard.json").write_text(json.dumps([board]))
        return folder

    return write


def test_the_best_is_chosen_on_some_sweeps_and_reported_on_others(leaderboard, tmp_path):
    one, two, other = (leaderboard(f"s{seed}", seed) for seed in range(3))
    out = tmp_path / "out"
    done = CliRunner().invoke(
        main,
        ["rank-scores", str(one), str(two), f"--report={other}", f"--out={out}",
         "--bootstrap=200"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(out / "ranking.md")
    assert "chosen on s0: semantic to depth, s1" in done.stdout.replace("\n", " ")
    content = json.loads((out / "ranking.json").read_text())
    found = content["truths"]["abs_rel"]
    assert found["order"] == ["good", "noise", "bad"]  # "same" and "seldom" say nothing
    assert set(found["chosen_on"]) == set(found["reported_on"]) == {"good", "noise", "bad"}
    good, bad, noise = (found["reported_on"][key] for key in ("good", "bad", "noise"))
    assert 1 > good["spearman"]["value"] > good["kendall"]["value"] > 0.8
    assert good["spearman"]["low"] > 0.5 and good["gs"] == GS
    assert bad["spearman"] == {"value": -1, "low": -1, "high": -1}
    assert noise["spearman"]["low"] < 0 < noise["spearman"]["high"]
    assert good["regret"] < 0.02 < bad["regret"]
    order = tomllib.loads((out / "order.toml").read_text())["depth"]
    assert order["order"] == ["good"]  # of the others none is certain
    assert order["result"].startswith("good: Spearman ")
    assert order["result"].endswith("with abs rel on B, 40 Gs of 1 other sweep")
    text = (out / "ranking.md").read_text()
    assert text.count("judge the scores here, and nothing else") == 2
    assert text.index("| good") < text.index("| noise") < text.index("| a G at random")


def test_what_is_not_certain_is_said_to_be_so_and_nothing_is_reported_on_what_chose(
    leaderboard, tmp_path
):
    one, other = (leaderboard(f"s{seed}", seed) for seed in range(2))
    content = json.loads((other / "leaderboard.json").read_text())
    for line, wrong in zip(content[0]["lines"][:-1], content[0]["lines"][-2::-1], strict=True):
        line["scores"]["good"] = wrong["scores"]["noise"]
    (other / "leaderboard.json").write_text(json.dumps(content))
    rank_scores(RankScores((one,), tmp_path / "out", (other,), bootstrap=200))
    order = tomllib.loads((tmp_path / "out/order.toml").read_text())["depth"]
    assert order["order"] == ["good"]
    assert order["result"].endswith("which is not certainly above zero")
    content = json.loads((one / "leaderboard.json").read_text())
    del content[0]["scores"]["good"]
    (one / "leaderboard.json").write_text(json.dumps(content))
    rank_scores(RankScores((one,), tmp_path / "none", (other,), bootstrap=200))
    assert not (tmp_path / "none/order.toml").exists()
    rank_scores(RankScores((one,), tmp_path / "alone"))
    assert not (tmp_path / "alone/order.toml").exists()
    with pytest.raises(MismatchError, match=r"s0: .* has the encoders of s0: .* other seeds"):
        rank_scores(RankScores((one,), tmp_path / "twice", (one,)))


def test_levels_of_a_sweep_are_one_choice(leaderboard, tmp_path):
    folder = leaderboard("s0", 0, title="semantic to depth at level4")
    second = leaderboard("s1", 1, title="semantic to depth at level2")
    boards = [json.loads((f / "leaderboard.json").read_text())[0] for f in (folder, second)]
    (folder / "leaderboard.json").write_text(json.dumps(boards))
    rank_scores(RankScores((folder,), tmp_path / "out", bootstrap=0))
    content = json.loads((tmp_path / "out/ranking.json").read_text())
    assert content["groups"]["chosen_on"] == ["s0: semantic to depth"]
    good = content["truths"]["abs_rel"]["chosen_on"]["good"]
    assert good["gs"] == 2 * GS
    assert good["spearman"]["low"] is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, r"leaderboard\.json: no such file"),
        ({}, "is no leaderboard of `atdt sweep`"),
        ([{"title": "x to y", "truths": {"a": 1}}], "is no leaderboard of `atdt sweep`"),
        ([{"title": "x to y", "lines": []}], "x to y: no figures by B's labels.* --resume and --b"),
    ],
)
def test_what_was_not_judged_is_refused(tmp_path, content, problem):
    if content is not None:
        (tmp_path / "leaderboard.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=problem):
        rank_scores(RankScores((tmp_path,), tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_sweeps_of_other_tasks_are_ranked_apart(leaderboard, tmp_path):
    folders = leaderboard("s0", 0), leaderboard("s1", 1, task="semantic")
    with pytest.raises(MismatchError, match="different tasks, depth, semantic"):
        rank_scores(RankScores(folders, tmp_path / "out"))
    other = leaderboard("s2", 2, truths={"focal": {"title": "t", "better": "lower", "digits": 3}})
    with pytest.raises(MismatchError, match="were judged by different figures"):
        rank_scores(RankScores((folders[0], other), tmp_path / "out"))
