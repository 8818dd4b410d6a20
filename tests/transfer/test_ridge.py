"""Ridge regression: the closed form's own numbers, from one pass, and what starts from it."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from atdt.errors import NetworkError, UserError
from atdt.runs import open_run
from atdt.transfer import load_transfer, moments, plan_training, ridge, train
from atdt.transfer.learner import Learner
from atdt.transfer.network import Standard, build_transfer
from atdt.transfer.ridge import Ridge
from tests.run_contents import curves, same, weights


def batches(source, target, size=3):
    for start in range(0, len(source), size):
        yield {"source": source[start : start + size], "target": target[start : start + size]}


def solve(network, source, target, alpha=None):
    """Give a network the weights that are solved for."""
    solved = Ridge(network)
    for batch in batches(source, target):
        solved.add(batch)
    solved.solve()
    solved.give(network, solved.choose(network) if alpha is None else alpha)


def standards(source, target):
    return [
        Standard(part.mean(dim=(0, 2, 3)), part.std(dim=(0, 2, 3))) for part in (source, target)
    ]


def neighbourhoods(features, side):
    """(N, h, w, C·side²): every location with its neighbours, zeros beyond the border."""
    padded = np.pad(features, ((0, 0), (0, 0), (side // 2,) * 2, (side // 2,) * 2))
    shown = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(2, 3))
    return shown.transpose(0, 2, 3, 1, 4, 5).reshape(*shown.shape[:1], *shown.shape[2:4], -1)


@pytest.mark.parametrize("side", [1, 3])
@pytest.mark.parametrize("maps_bytes", [1, 2**28])
def test_it_is_the_closed_form(monkeypatch, side, maps_bytes):
    monkeypatch.setattr(moments, "MAPS_BYTES", maps_bytes)
    generator = torch.Generator().manual_seed(0)
    source = 3 * torch.randn(7, 4, 5, 6, generator=generator) + 1
    target = torch.randn(7, 2, 5, 6, generator=generator) + source[:, :2]
    both = standards(source, target)
    network = build_transfer("ridge", {"neighbourhood": side}, (4, 5, 6), (2, 5, 6), *both, seed=0)
    solve(network, source, target, alpha=0.1)
    x, y = (
        ((part - of.mean[:, None, None]) / of.scale[:, None, None]).double().numpy()
        for part, of in zip((source, target), both, strict=True)
    )
    rows = neighbourhoods(x, side).reshape(-1, 4 * side**2)
    wanted = y.transpose(0, 2, 3, 1).reshape(-1, 2)
    penalty = 0.1 * (rows**2).sum(0).mean() * np.eye(rows.shape[1])
    centred, shifted = rows - rows.mean(0), wanted - wanted.mean(0)
    weights = np.linalg.solve(centred.T @ centred + penalty, centred.T @ shifted)
    found = network.body.linear.weight.detach().flatten(1).T.numpy()
    np.testing.assert_allclose(found, weights, rtol=1e-4, atol=1e-6)
    bias = wanted.mean(0) - rows.mean(0) @ weights
    np.testing.assert_allclose(network.body.linear.bias.detach().numpy(), bias, atol=1e-6)


def test_no_linear_map_is_nearer_where_the_penalty_is_small():
    generator = torch.Generator().manual_seed(1)
    source = torch.randn(6, 3, 4, 4, generator=generator)
    mixing = torch.randn(2, 3, generator=generator)
    target = torch.einsum("oc,nchw->nohw", mixing, source) + 5
    network = build_transfer("ridge", {}, (3, 4, 4), (2, 4, 4), *standards(source, target), seed=0)
    solve(network, source, target, alpha=1e-9)
    torch.testing.assert_close(network(source), target, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("side", [1, 3])
def test_maps_of_other_sizes_are_met_as_the_network_meets_them(side):
    generator = torch.Generator().manual_seed(2)
    source = torch.randn(6, 3, 4, 6, generator=generator)
    truth = build_transfer("linear", {}, (3, 4, 6), (2, 8, 3), seed=3)
    target = truth(source).detach()
    network = build_transfer("ridge", {"neighbourhood": side}, (3, 4, 6), (2, 8, 3), seed=0)
    solve(network, source, target, alpha=1e-9)
    torch.testing.assert_close(network(source), target, atol=1e-3, rtol=1e-3)
    assert interpolate(source, (8, 3)).shape[-2:] == target.shape[-2:]


@pytest.mark.parametrize("side", [1, 3])
@pytest.mark.parametrize("sizes", [(4, 6), (8, 3)])
def test_what_is_far_from_held_out_samples_is_known_from_their_sums(side, sizes):
    generator = torch.Generator().manual_seed(4)
    source = torch.randn(9, 3, 4, 6, generator=generator)
    target = torch.randn(9, 2, *sizes, generator=generator)
    both = standards(source, target)
    network = build_transfer(
        "ridge", {"neighbourhood": side}, (3, 4, 6), (2, *sizes), *both, seed=0
    )
    solved = Ridge(network)
    for number, batch in enumerate(batches(source, target)):
        solved.add(batch, held_out=number == 2)
    solved.solve()
    for alpha in (0.01, 1.0):
        solved.give(network, alpha)
        wrong = (network(source[6:]) - target[6:]) / both[1].scale[:, None, None]
        wanted = wrong.detach().double().square().sum(dim=(0, 2, 3))
        torch.testing.assert_close(solved.errors(alpha), wanted, rtol=1e-5, atol=0)


@pytest.mark.parametrize("losses", [{"mse": 1.0}, {"normalised": 2.0, "mse": 0.5}])
def test_sums_choose_what_measuring_each_would(config, tmp_path, monkeypatch, losses):
    chosen = {"architecture": "ridge", "options": {"neighbourhood": 3}, "losses": losses}
    by_sums = train(config(**chosen, out=tmp_path / "sums"))
    measure, measured = Learner.measure, []

    def noting(self, batches, on_b=()):
        found = measure(self, batches, on_b)
        measured.append(found["loss"])
        return found

    monkeypatch.setattr(Learner, "measure", noting)
    monkeypatch.setattr(Learner, "squares_of", lambda self, network: None)
    by_loss = train(config(**chosen, out=tmp_path / "loss"))
    assert same(*map(weights, (by_sums, by_loss)))
    best = measured.index(min(measured[:-1]))
    assert measured[best] == measured[-1] and len(set(measured)) == len(ridge.ALPHAS)
    assert open_run(by_sums, "transfer").info["options"]["alpha"] == ridge.ALPHAS[best]


def test_inputs_that_are_nothing_leave_the_mean():
    source, target = torch.zeros(2, 3, 2, 2), torch.full((2, 1, 2, 2), 7.0)
    network = build_transfer("ridge", {"standardise": False}, (3, 2, 2), (1, 2, 2), seed=0)
    solve(network, source, target)
    assert network(source).flatten().tolist() == pytest.approx([7.0] * 8)


def test_a_run_of_it_takes_one_pass_and_beats_a_linear_g_that_was_trained(config, tmp_path):
    chosen = {"architecture": "ridge", "options": {}, "out": tmp_path / "ridge"}
    assert any("one pass" in line for line in plan_training(config(**chosen)).lines)
    run = train(config(**chosen))
    info = open_run(run, "transfer").info
    assert info["chosen"] == {"by": "last step", "step": 0}
    assert info["options"] == {"neighbourhood": 1, "alpha": 1.0, "standardise": True}
    linear = train(
        config(
            architecture="linear",
            options={},
            out=tmp_path / "linear",
            steps=60,
            checkpoint_every=500,
        )
    )
    explained = "held_out_explained_variance"
    assert info["scores"][explained] > open_run(linear, "transfer").info["scores"][explained]
    assert load_transfer(run).module(torch.zeros(1, *info["source"]["shape"])).shape[1:] == tuple(
        info["target"]["shape"]
    )
    for alpha in (0.1, 10.0):  # it was chosen on the held-out images
        other = train(
            config(**chosen | {"options": {"alpha": alpha}, "out": tmp_path / f"{alpha}"})
        )
        assert info["scores"][explained] > open_run(other, "transfer").info["scores"][explained]
    bare = train(config(**chosen | {"held_out": 0.0, "out": tmp_path / "bare"}))
    assert open_run(bare, "transfer").info["options"]["alpha"] == 1e-3
    assert [row["step"] for row in curves(run)] == ["0"]


def test_either_feed_gives_the_same_bits(config, tmp_path):
    made = [
        train(config(architecture="ridge", options={}, feed=feed, window=2, out=tmp_path / feed))
        for feed in ("resident", "stream")
    ]
    assert same(*map(weights, made))


def test_a_residual_g_starts_as_ridge(config, tmp_path):
    solved = train(config(architecture="ridge", options={}, out=tmp_path / "ridge"))
    started = train(
        config(
            architecture="residual",
            options={"width": 8},
            start="ridge",
            steps=40,
            checkpoint_every=500,
            keep="best",
            learning_rate=1e-3,
        )
    )
    first = curves(started)[0]
    ridge_scores, scores = (open_run(run, "transfer").info["scores"] for run in (solved, started))
    assert float(first["held_out_loss"]) == pytest.approx(ridge_scores["held_out_loss"], rel=1e-4)
    assert scores["held_out_loss"] <= float(first["held_out_loss"])
    assert open_run(started, "transfer").info["config"]["start"] == "ridge"


def test_an_end_that_is_worse_than_the_ridge_it_started_from_is_told(config, tmp_path):
    said = {}
    for keep in ("last", "best"):
        said[keep] = []
        chosen = config(
            architecture="residual", options={"width": 8}, start="ridge", steps=3,
            learning_rate=0.5, keep=keep, out=tmp_path / keep,
        )  # fmt: skip
        train(chosen, said[keep].append)
    assert "at the start, by ridge" in said["last"][-1] and "--keep best" in said["last"][-1]
    assert not any("by ridge" in line for line in said["best"])


def test_what_cannot_start_as_ridge_says_so(config, ground):
    with pytest.raises(NetworkError, match="'bottleneck' has no linear part"):
        train(config(start="ridge"))
    with pytest.raises(NetworkError, match="a head learns the task"):
        train(config(start="ridge", architecture="head", target_run=ground.n2))
    with pytest.raises(UserError, match="--start zeros: choose one of random, ridge"):
        train(config(start="zeros"))


def test_what_does_not_fit_the_memory_is_refused(monkeypatch, config):
    monkeypatch.setattr(ridge, "free_bytes", lambda device: {"cpu": 2**20})
    with pytest.raises(UserError, match=r"ridge of \d+ inputs takes .* neighbourhood=1"):
        train(config(architecture="ridge", options={"neighbourhood": 3}))
