"""Norm discrepancy: the formula, the pairs that it is of, and what it does to an encoder."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atdt.domains import ViewPlan, open_domain
from atdt.errors import NetworkError, RunError
from atdt.networks import NetworkSpec
from atdt.runs import CURVES, open_run
from atdt.training import NormDiscrepancy, train_task
from atdt.training.batches import Views
from atdt.training.discrepancy import norm_discrepancy
from atdt.training.order import Order


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 4))
def test_it_is_the_mean_difference_of_lengths_by_brute_force(seed, pairs, channels):
    generator = np.random.default_rng(seed)
    a, b = generator.standard_normal((2, pairs, channels, 2, 3))
    expected = np.mean(
        [
            abs(np.sqrt((a[n, :, y, x] ** 2).sum()) - np.sqrt((b[n, :, y, x] ** 2).sum()))
            for n, y, x in np.ndindex(pairs, 2, 3)
        ]
    )
    found = norm_discrepancy(torch.from_numpy(a), torch.from_numpy(b))
    assert found.item() == pytest.approx(expected)
    assert norm_discrepancy(torch.from_numpy(a), torch.from_numpy(-a)).item() == 0


def test_features_that_are_all_zero_have_a_gradient():
    zeros = torch.zeros(1, 3, 2, 2, requires_grad=True)
    norm_discrepancy(zeros, torch.ones(1, 3, 2, 2)).backward()
    assert torch.isfinite(zeros.grad).all()


def test_pairs_are_cut_and_mirrored_alike_and_coloured_apart(domain_a, domain_b):
    domains = [open_domain(f"{domain}:train") for domain in (domain_a, domain_b)]
    plan = ViewPlan(seed=3, crop=(6, 10), flip=True, photometric="strong")
    views = Views(domains, None, plan, needs_clean=False, memory=0, paired=True)
    order = Order([len(domain) for domain in domains], 4, seed=0, balance=True)
    cuts, colours = [], []
    for step in range(12):
        draws = order.draws(step)
        assert [draw.domain for draw in draws] == [0, 1, 0, 1]
        batch = views.batch(draws)
        assert batch.label is None and batch.image.shape == (4, 3, 6, 10)
        for first, second in zip(draws[0::2], draws[1::2], strict=True):
            one, alone = (views._view(draw, (16, 24)) for draw in (first, second))
            expected = replace(one, colours=alone.colours)
            pixels = domains[1].image(second.image)
            assert np.array_equal(batch.image[draws.index(second)], expected.image(pixels))
            cuts.append(one.offset == alone.offset and one.flip == alone.flip)
            colours.append(one.colours == alone.colours)
    assert not all(cuts) and not any(colours)


@pytest.fixture
def both(domain_a, domain_b):
    return f"{domain_a}:train", f"{domain_b}:train"


def curve(run, name):
    with (run / CURVES).open() as file:
        return [float(row[name]) for row in csv.DictReader(file) if row[name]]


def test_it_brings_lengths_together(config, both, tmp_path):
    quick = config(
        train=both,
        validation=(),
        steps=40,
        checkpoint_every=500,
        batch=4,
        learning_rate=3e-3,
        photometric="none",
    )
    slight, strong = (
        train_task(
            replace(quick, out=tmp_path / str(weight), norm_discrepancy=NormDiscrepancy(weight))
        )
        for weight in (1e-6, 1.0)
    )
    last = [np.mean(curve(run, "norm_discrepancy")[-3:]) for run in (slight, strong)]
    assert last[1] < 0.5 * last[0]
    assert curve(slight, "norm_discrepancy")[0] == pytest.approx(
        curve(strong, "norm_discrepancy")[0], rel=0.5
    )


def test_a_slight_weight_moves_nothing_but_batch_norm(config, both, own_module, tmp_path):
    network = NetworkSpec(f"{own_module}:build", {"dropout": 0.0})
    quick = config(train=both, validation=(), network=network, allow_import=True)
    alone = open_run(train_task(quick)).weights()
    asked = NormDiscrepancy(1e-30)
    beside = open_run(
        train_task(replace(quick, out=tmp_path / "x", norm_discrepancy=asked))
    ).weights()
    for name in alone:
        torch.testing.assert_close(alone[name], beside[name])


def test_other_domains_than_those_that_are_learnt_from_can_be_named(config, both, domain_a):
    """So that a network of A alone can have it too: no label of B is read."""
    asked = NormDiscrepancy(0.1, both)
    info = open_run(train_task(config(task="depth", norm_discrepancy=asked))).info
    assert [d["name"] for d in info["domains"]["norm_discrepancy"]] == ["a", "b"]
    assert info["config"]["norm_discrepancy"] == {"weight": 0.1, "between": list(both)}
    assert len(info["config"]["digests"]["norm_discrepancy"]) == 2


def test_a_domain_without_labels_will_do(config, both, make_domain, tmp_path):
    other = make_domain(tmp_path / "b", "b")
    (other / "bare.toml").write_text(
        'name = "bare"\nroot = "."\nlabel_space = "coarse4"\ncolumns = ["image"]\n'
        '[lists]\ntrain = "bare.txt"\n'
    )
    lines = (other / "train.txt").read_text().splitlines()
    (other / "bare.txt").write_text("\n".join(line.split(";")[0] for line in lines) + "\n")
    asked = NormDiscrepancy(0.1, (both[0], f"{other / 'bare.toml'}:train"))
    info = open_run(train_task(config(norm_discrepancy=asked))).info
    assert info["domains"]["norm_discrepancy"][1]["images"] == 6


@pytest.mark.parametrize(
    ("weight", "between", "message"),
    [
        (0.0, (), "--norm-discrepancy 0.0: must be above 0"),
        (float("nan"), (), "--norm-discrepancy nan: must be"),
        (1.0, (), "is between two domains, not .*:train; name them by"),
        (1.0, ("x", "y", "z"), "not x, y, z; name"),
        (1.0, ("x", "x"), "not x, x; name"),
    ],
)
def test_mistakes_are_named(config, weight, between, message):
    with pytest.raises(RunError, match=message):
        train_task(config(norm_discrepancy=NormDiscrepancy(weight, between)))
    assert not config().out.exists()


def test_a_network_with_skips_has_no_features_to_compare(config, both):
    skipping = NetworkSpec("atdt-resnet50", {"skips": True})
    asked = config(train=both, norm_discrepancy=NormDiscrepancy(1.0), network=skipping)
    with pytest.raises(
        NetworkError, match=r"--norm-discrepancy: network 'atdt-resnet50': has skip"
    ):
        train_task(asked)
