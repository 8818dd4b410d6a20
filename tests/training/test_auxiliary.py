"""Auxiliary tasks: several at once, decoders that are kept, and taken from other runs."""

import csv
import json
from dataclasses import replace

import pytest

from atdt.errors import RunError
from atdt.networks import NetworkSpec
from atdt.runs import CURVES, open_run
from atdt.tasks import get_task
from atdt.training import (
    Auxiliary,
    BatchNormAdaptation,
    adapt_batch_norm,
    load_task_network,
    train_task,
)
from atdt.training.load import KEPT
from tests.run_contents import same

EDGES = "auxiliary.edges."


def own(weights):
    return {name: tensor for name, tensor in weights.items() if not name.startswith("auxiliary.")}


def edge_decoder(run):
    return {n: tensor for n, tensor in open_run(run).weights().items() if n.startswith(EDGES)}


@pytest.fixture
def both(domain_a, domain_b):
    return f"{domain_a}:train", f"{domain_b}:train"


@pytest.fixture
def n1(config, both, tmp_path):
    """A run that kept its edge decoder."""
    return train_task(
        config(
            train=both, out=tmp_path / "n1", auxiliary=Auxiliary("edges", both), keep_auxiliary=True
        )
    )


@pytest.fixture
def n2(config, both, n1):
    """A training for another task under that decoder."""
    return config(task="depth", auxiliary=Auxiliary("edges", both, 0.5, decoder=n1))


def test_several_tasks_learn_on_one_encoder(config, both, tmp_path):
    tasks = (Auxiliary("depth", both), Auxiliary("edges", both, 0.1))
    run = open_run(train_task(config(auxiliary=tasks)))
    assert [each["task"] for each in run.info["config"]["auxiliary"]] == ["depth", "edges"]
    assert [d["name"] for d in run.info["domains"]["auxiliary"]] == ["a", "b", "a", "b"]
    with (run.path / CURVES).open() as file:
        rows = list(csv.DictReader(file))
    for task in ("depth", "edges"):
        assert all(float(row[f"auxiliary_loss_{task}"]) > 0 for row in rows)
    without = open_run(train_task(config(out=tmp_path / "one", auxiliary=tasks[0])))
    assert run.info["encoder_sha256"] != without.info["encoder_sha256"]
    assert run.weights().keys() == without.weights().keys() == own(run.weights()).keys()


def test_a_kept_decoder_is_the_one_of_the_chosen_step_and_changes_nothing_else(
    config, both, tmp_path, monkeypatch
):
    script = [0.3, 0.6, 0.1]  # of validations after steps 2, 4 and 6
    monkeypatch.setattr(
        type(get_task("semantic")), "summarise", lambda *_: {"miou": script[len(seen)]}
    )
    from atdt.training.best import Best

    seen, judge = [], Best.judge

    def judged(self, learner, step):
        row = judge(self, learner, step)
        edges = learner.branches[1].network.decoder.state_dict()
        seen.append({EDGES + name: tensor.clone() for name, tensor in edges.items()})
        return row

    monkeypatch.setattr(Best, "judge", judged)
    asked = config(auxiliary=Auxiliary("edges", both), steps=6, validate_every=2)
    kept = open_run(train_task(replace(asked, keep_auxiliary=True)))
    assert kept.info["chosen"]["step"] == 4
    assert same(edge_decoder(kept.path), seen[1])
    assert not same(seen[0], seen[1]) and not same(seen[1], seen[2])
    seen.clear()
    plain = open_run(train_task(replace(asked, out=tmp_path / "plain")))
    assert same(own(kept.weights()), plain.weights())
    assert kept.info["network_sha256"] == plain.info["network_sha256"]
    loaded = load_task_network(kept.path).network
    assert loaded.weights_digest("network") == kept.info["network_sha256"]


def test_a_decoder_that_was_taken_stays_as_it_is_and_teaches_the_encoder(n1, n2, both, tmp_path):
    under = open_run(train_task(replace(n2, keep_auxiliary=True)))
    assert same(edge_decoder(under.path), edge_decoder(n1))  # batch norm's statistics too
    assert under.info["config"]["auxiliary"]["decoder"] == str(n1)
    alone = Auxiliary("edges", both, 0.5)
    with_own = open_run(train_task(replace(n2, out=tmp_path / "own", auxiliary=alone)))
    assert under.info["encoder_sha256"] != with_own.info["encoder_sha256"]


def test_a_decoder_that_was_taken_may_learn_on(n1, n2, tmp_path):
    frozen = open_run(train_task(n2))
    tuned = replace(n2.auxiliary, fine_tune=True)
    on = open_run(
        train_task(replace(n2, out=tmp_path / "on", auxiliary=tuned, keep_auxiliary=True))
    )
    assert edge_decoder(on.path).keys() == edge_decoder(n1).keys()
    assert not same(edge_decoder(on.path), edge_decoder(n1))
    assert on.info["encoder_sha256"] != frozen.info["encoder_sha256"]


def test_what_keeps_no_such_decoder_is_refused(config, n1, n2, domain_a, own_module, tmp_path):
    bare = train_task(config(out=tmp_path / "bare"))
    taken = replace(n2.auxiliary, decoder=bare)
    with pytest.raises(
        RunError, match=r"bare: keeps no decoder for edges \(it keeps: none\); train it with --aux"
    ):
        train_task(replace(n2, auxiliary=taken))
    depth = Auxiliary("depth", (f"{domain_a}:train",), decoder=n1)
    with pytest.raises(RunError, match=r"n1: keeps no decoder for depth \(it keeps: edges\)"):
        train_task(replace(n2, task="semantic", auxiliary=depth))
    other = NetworkSpec(f"{own_module}:build", {})
    with pytest.raises(RunError, match=r"n1: holds another decoder for edges: missing: weight"):
        train_task(replace(n2, network=other, allow_import=True))
    assert not n2.out.exists()


def test_a_decoder_for_other_classes_is_refused(config, both, make_domain, tmp_path):
    semantic = Auxiliary("semantic", both)
    kept = train_task(config(task="depth", auxiliary=semantic, keep_auxiliary=True))
    other = make_domain(tmp_path / "c", "c")
    text = (other / "domain.toml").read_text()
    (other / "domain.toml").write_text(text.replace("coarse4", "shared11"))
    taken = Auxiliary("semantic", (f"{other}:train",), decoder=kept)
    with pytest.raises(RunError, match="its decoder for semantic is of other classes"):
        train_task(config(task="depth", out=tmp_path / "x", auxiliary=taken))


def test_a_run_whose_notes_on_kept_decoders_are_not_true_is_refused(n1):
    text = (n1 / "run.json").read_text()
    info = json.loads(text)
    (n1 / "run.json").write_text(json.dumps(info | {KEPT: ["edges"]}))
    with pytest.raises(RunError, match=f"'{KEPT}' is no dict"):
        load_task_network(n1)
    (n1 / "run.json").write_text(json.dumps(info | {KEPT: {}}))
    with pytest.raises(RunError, match=r"not of this network: auxiliary\.edges\."):
        load_task_network(n1)


def test_verbs_that_copy_a_run_leave_its_kept_decoders_out(n1, domain_b, tmp_path):
    run = adapt_batch_norm(
        BatchNormAdaptation(
            run=n1, domain=f"{domain_b}:train", out=tmp_path / "bn", batch=2, device="cpu"
        )
    )
    assert not edge_decoder(run) and load_task_network(run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"auxiliary": (Auxiliary("edges", ("x",)),) * 2}, "--auxiliary edges: is there twice"),
        ({"auxiliary": Auxiliary("edges", ("x",), -1.0)}, "--auxiliary-weight edges=-1"),
        ({"auxiliary": Auxiliary("edges", ("x",), fine_tune=True)}, "needs a decoder that was"),
        ({"keep_auxiliary": True}, "--keep-auxiliary-decoder: there is none"),
    ],
)
def test_mistakes_are_named(config, changes, message):
    with pytest.raises(RunError, match=message):
        train_task(config(**changes))
    assert not config().out.exists()
