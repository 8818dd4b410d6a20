"""Batch-norm statistics of another domain: what changes, to what, and what does not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from atdt.domains import open_domain
from atdt.errors import NetworkError, RunError
from atdt.networks import NetworkSpec
from atdt.runs import open_run
from atdt.training import BatchNormAdaptation, adapt_batch_norm, load_task_network, train_task
from atdt.training.adabn import batch_norm_layers


@pytest.fixture
def adaptation(config, domain_b, tmp_path):
    run = train_task(config(steps=3, validation=()))
    return BatchNormAdaptation(
        run=run, domain=f"{domain_b}:train", out=tmp_path / "adapted", batch=2, device="cpu"
    )


def first_inputs(network, images):
    """What the first batch norm of a network sees of `images`."""
    seen = []
    layer = batch_norm_layers(network)[0]
    handle = layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network(images)
    handle.remove()
    return layer, seen[0]


def test_only_running_statistics_change(adaptation):
    before = load_task_network(adaptation.run)
    after = load_task_network(adapt_batch_norm(adaptation))
    changed = {
        name.rpartition(".")[2]
        for name, tensor in after.run.weights().items()
        if not torch.equal(tensor, before.run.weights()[name])
    }
    assert changed == {"running_mean", "running_var", "num_batches_tracked"}
    layers = batch_norm_layers(after.network)
    assert after.run.info["adapted"]["layers"] == len(layers) > 3
    assert after.run.info["adapted"]["domain"]["images"] == 4
    assert after.run.info["adapted"]["network_sha256"] == before.run.info["network_sha256"]
    assert after.run.info["network_sha256"] != before.run.info["network_sha256"]
    assert after.run.info["training_focal"] == before.run.info["training_focal"]
    assert after.run.info["scores"] == {}
    for old, new in zip(batch_norm_layers(before.network), layers, strict=True):
        assert new.momentum == old.momentum


def test_the_first_layer_has_the_statistics_of_the_domain(adaptation, domain_b):
    after = load_task_network(adapt_batch_norm(adaptation)).network
    domain = open_domain(f"{domain_b}:train")
    pixels = np.stack([domain.image(index) for index in range(4)]).transpose(0, 3, 1, 2)
    layer, seen = first_inputs(after, torch.from_numpy(pixels / np.float32(255)))
    torch.testing.assert_close(layer.running_mean, seen.mean(dim=(0, 2, 3)))
    # In batches of two: the mean of their variances, which is not quite the variance over all.
    torch.testing.assert_close(layer.running_var, seen.var(dim=(0, 2, 3)), rtol=0.05, atol=0)
    whole = load_task_network(
        adapt_batch_norm(replace(adaptation, batch=4, out=adaptation.out / ".." / "whole"))
    ).network
    layer, seen = first_inputs(whole, torch.from_numpy(pixels / np.float32(255)))
    torch.testing.assert_close(layer.running_var, seen.var(dim=(0, 2, 3)))


def test_adapting_again_gives_the_same_and_existing_runs_are_respected(adaptation):
    first = open_run(adapt_batch_norm(adaptation)).info["network_sha256"]
    with pytest.raises(RunError, match="holds a finished run"):
        adapt_batch_norm(adaptation)
    again = open_run(adapt_batch_norm(replace(adaptation, overwrite=True)))
    assert again.info["network_sha256"] == first
    assert adapt_batch_norm(replace(adaptation, resume=True)) == adaptation.out
    with pytest.raises(RunError, match="batch: the run has 2, now 3"):
        adapt_batch_norm(replace(adaptation, resume=True, batch=3))


def test_a_network_without_batch_norm_is_refused(config, adaptation, own_module, tmp_path):
    network = NetworkSpec(f"{own_module}:build", {})
    run = train_task(config(steps=1, network=network, out=tmp_path / "plain", allow_import=True))
    with pytest.raises(NetworkError, match=r"plain: .* has no batch norm .*nothing to adapt"):
        adapt_batch_norm(replace(adaptation, run=run, allow_import=True))


def test_batches_of_one_are_refused(adaptation):
    with pytest.raises(RunError, match="--batch 1"):
        adapt_batch_norm(replace(adaptation, batch=1))
