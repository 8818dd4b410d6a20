"""What a training is refused for before its first step."""

from pathlib import Path

import pytest

from atdt.errors import MismatchError, StoreError, UserError
from atdt.runs import open_run
from atdt.transfer import train


def test_features_of_another_network_are_refused_with_the_difference(config, ground):
    with pytest.raises(MismatchError, match=r"encoder: store has \w{12}…, run has \w{12}…"):
        train(config(target_run=ground.other))
    run = train(config(target_run=ground.other, allow_mismatch=("encoder",)))
    (line,) = open_run(run).info["mismatch"]
    assert line.startswith("encoder: store has")
    with pytest.raises(MismatchError, match="encoder"):
        train(config(target_run=ground.other, allow_mismatch=("preprocessing",), overwrite=True))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"source": "edges"}, UserError, "has no features 'edges' .it has: depth, semantic"),
        ({"level": "level0"}, StoreError, "has no array level0/depth"),
        ({"store": Path("nowhere.zarr")}, StoreError, "nowhere.zarr: no such store"),
        ({"losses": {"task": 1.0}}, UserError, "need N2: give --target-run"),
        ({"architecture": "head"}, UserError, "give --target-run RUN"),
        ({"architecture": "best"}, UserError, "choose one of attention, bottleneck"),
        ({"options": {"wide": 3}}, UserError, "has no such option"),
        ({"steps": 0}, UserError, "--steps 0"),
        ({"batch": 0}, UserError, "--batch 0"),
        ({"validate_every": 0}, UserError, "--validate-every 0"),
        ({"learning_rate": 0.0}, UserError, "--learning-rate 0.0"),
        ({"seed": -1}, UserError, "--seed -1"),
        ({"target": "depth"}, UserError, "--from depth --to depth: the same features"),
        ({"held_out": 1.0}, UserError, "--held-out 1.0"),
        ({"schedule": "none"}, UserError, "--schedule none: choose one of polynomial, cosine"),
        ({"keep": "first"}, UserError, "--keep first"),
        ({"keep": "best", "held_out": 0.0}, UserError, "--held-out is 0"),
        ({"feed": "dask"}, UserError, "--feed dask"),
        ({"allow_mismatch": ("shape",)}, UserError, "--allow-mismatch shape"),
        ({"resume": True, "overwrite": True}, UserError, "exclude each other"),
    ],
)
def test_a_mistake_is_one_line_and_makes_no_run(config, changes, error, message):
    with pytest.raises(error, match=message) as refusal:
        train(config(**changes))
    assert "\n" not in str(refusal.value)
    assert not (config().out / "run.json").exists()


def test_labels_that_are_not_stored_are_asked_for(config, ground):
    bare = ground.extracted("bare", labels=())
    with pytest.raises(UserError, match="--labels semantic"):
        train(config(store=bare, losses={"task": 1.0}, target_run=ground.n2))
