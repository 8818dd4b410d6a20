"""What a sweep says of B: scores without labels, and figures by labels that choose nothing."""

import json
import shutil
from functools import partial

import pytest

from atdt.decode import Decoding, decode
from atdt.diagnose.scores.table import Order
from atdt.errors import MismatchError, UserError
from atdt.evaluate import Evaluation, evaluate
from atdt.experiments.sweep import sweep, verdict
from atdt.tasks import get_task
from tests.experiments.sweep.made_sweeps import FOLDER, MIXED, TWO, board
from tests.made_ground import write_domain
from tests.run_contents import same, weights


def test_what_b_is_said_to_score_is_what_decoding_it_scores(config, ground, b):
    path = sweep(config(TWO, b=b, cuts=()))
    _, lines = board(path)
    run = path.parent / FOLDER / "bottleneck-s1"
    out = decode(
        Decoding(
            transfer=run, encoder=ground.n1, decoder=ground.n2, device="cpu",
            domain=f"{ground.folder / 'b'}:train", out=path.parent / "predicted",
        )
    )  # fmt: skip
    measured = evaluate(Evaluation(predictions=out, domain=f"{ground.folder / 'b'}:train"))
    scores = json.loads((measured if measured.is_file() else measured / "metrics.json").read_text())
    headline = scores["scores"][get_task("semantic").headline]
    assert lines["bottleneck-s1"]["on_b"] == pytest.approx(headline, abs=2e-3)


def test_without_labels_of_b_gs_are_scored_and_not_judged(config, ground):
    bare = ground.extracted("bare", labels=(), encoders=((None, ground.n1),))
    path = sweep(config(TWO, b=bare, cuts=()))
    found, lines = board(path)
    assert found["truths"] == {}
    for line in lines.values():
        assert line["on_b"] is None and line["judged"] == {}
        scores = line["scores"]
        assert all(scores[key] is not None for key in ("views", "seeds", "entropy", "outside"))
        assert scores["on_a"] == line["on_a"]
        assert scores["baseline"] is None and scores["median"] is None  # no E2 there; two Gs alone
    text = path.read_text()
    assert "Said by no label of T2 there**" in text
    assert "has not been measured" in text


def test_labels_of_b_choose_nothing(config, ground, b, tmp_path, monkeypatch):
    """Not what stops, not the order, not the choice by A, not that by what predicts B."""
    known = Order(("views",), "", "")
    monkeypatch.setattr(verdict, "measured_order", lambda task: known)
    other = shutil.copytree(ground.folder / "b", tmp_path / "b")
    drawn = sorted((other / "semantic").iterdir())
    contents = [path.read_bytes() for path in drawn]
    for path, content in zip(drawn, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)
    extracted = partial(ground.extracted, encoders=((None, ground.n1),))
    stores = {
        "true": b,
        "none": extracted("unlabelled", domain=f"{ground.folder / 'b'}:train", labels=()),
        "wrong": extracted("mislabelled", domain=f"{other}:train"),
    }
    found = {}
    for name, store in stores.items():
        path = sweep(config(MIXED, b=store, out=tmp_path / name))
        whole, lines = board(path)
        judged = [line.pop("judged") for line in whole["lines"]]
        figures = [(line.pop("on_b"), line.pop("seconds")) for line in whole["lines"]]
        assert len(figures) == len(judged)
        chosen = {key: whole[key] for key in ("chosen", "picked", "lines")}
        standings = json.loads((path.parent / "sweep.json").read_text())["standings"]
        runs = {line: weights(path.parent / FOLDER / line) for line in lines}
        found[name] = chosen, standings, runs, judged
    for name in ("none", "wrong"):
        assert found[name][0] == found["true"][0]
        assert found[name][1] == found["true"][1]
        assert all(same(found[name][2][line], w) for line, w in found["true"][2].items())
    assert found["true"][0]["picked"] is not None
    assert found["none"][3] == [{}] * len(found["true"][3])
    assert found["wrong"][3] != found["true"][3]  # they were read, and judged


def test_a_rehearsal_is_measured_with_its_labels(config, ground, b):
    spec = write_domain(ground.folder / "rehearsed", 7)  # the same pictures as B's
    twin = ground.extracted("rehearsed", domain=spec, encoders=((None, ground.n1),))
    path = sweep(config(TWO, rehearsal=twin, b=b, cuts=()))
    _, lines = board(path)
    for line in lines.values():
        assert line["scores"]["on_rehearsal"] == pytest.approx(line["judged"]["miou"])
        assert line["scores"]["on_rehearsal_second"] == pytest.approx(line["judged"]["accuracy"])
    rows = (path.parent / "leaderboard.csv").read_text().splitlines()
    assert {"on_rehearsal", "b/miou", "on_b"} <= set(rows[0].split(","))
    assert len(rows) == 3


def test_a_store_of_b_that_does_not_fit_is_refused(config, ground, b):
    with pytest.raises(UserError, match="holds no 'semantic' labels of its own to rehearse with"):
        bare = ground.extracted("bare", labels=(), encoders=((None, ground.n1),))
        sweep(config(TWO, rehearsal=bare))
    with pytest.raises(MismatchError, match="is not the E1 of"):
        spec = write_domain(ground.folder / "c", 3)
        other = ground.extracted("c", domain=spec, encoders=(("depth", ground.n2),))
        sweep(config(TWO, b=other))
    with pytest.raises(UserError, match="scores on it need D2"):
        sweep(config(TWO, b=b, target_runs={}))
