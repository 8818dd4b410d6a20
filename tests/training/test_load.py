"""Loading a task network: what was saved comes back, and a stranger's run does no harm."""

import json
from dataclasses import replace

import pytest
import torch

from atdt.errors import NetworkError, RunError, UserError
from atdt.networks import NetworkSpec
from atdt.runs import create_run, open_run
from atdt.training import load_task_network, train_task
from atdt.training.weights import fill


def edited(path, **keys):
    info = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(info | keys))


def test_a_network_comes_back_frozen_and_the_same(config):
    path = train_task(config(steps=2))
    loaded = load_task_network(path)
    assert loaded.task.name == "semantic"
    assert loaded.space.classes == ("road", "sky", "vehicle", "other")
    assert not loaded.network.training
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())
    weights = open_run(path).weights()
    assert all(torch.equal(t, weights[n]) for n, t in loaded.network.state_dict().items())
    output = loaded.network(torch.rand(1, 3, 17, 25))
    assert output.shape == (1, 4, 17, 25)


def test_a_users_network_is_imported_only_when_allowed(config, own_module):
    network = NetworkSpec(f"{own_module}:build", {"width": 5})
    path = train_task(config(steps=1, network=network, allow_import=True))
    with pytest.raises(NetworkError, match="allow-import"):
        load_task_network(path)
    assert load_task_network(path, allow_import=True).network.stages[0].out_channels == 5


def test_the_file_that_weights_started_from_is_not_needed_again(config, monkeypatch):
    """`weights` names initial weights, by the convention of atdt.networks."""
    path = train_task(config(steps=1))
    seen = []
    from atdt.training import load

    def built(spec, *arguments, **options):
        seen.append(spec)
        return original(spec, *arguments, **options)

    original = load.build_network
    monkeypatch.setattr(load, "build_network", built)
    edited(path, network={"name": "tiny", "options": {"weights": "/gone.pth"}})
    load_task_network(path)
    assert seen == [NetworkSpec("tiny", {})]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"task": "poetry"}, "no task 'poetry'"),
        ({"task": "../secret"}, "no task"),
        ({"network": {"name": "os:system", "options": {}}}, "allow-import"),
        ({"network": "tiny"}, r"run\.json"),
        ({"out_channels": "many"}, "'out_channels' is missing or no int"),
        ({"out_channels": 5}, "weights and network differ: other shapes: "),
        ({"label_space": {"name": "x"}}, "x"),
        ({"preprocessing": {"mean": [0, 0, 0]}}, "preprocessing is unusable"),
        ({"preprocessing": {"mean": [0, 0, 0], "std": ["a"] * 3}}, "preprocessing is unusable"),
        ({"preprocessing": {"mean": [0, 0, 0], "std": [0, 1, 1]}}, "std"),
    ],
)
def test_a_run_that_was_tampered_with_is_refused(config, keys, message):
    path = train_task(config(steps=1))
    edited(path, **keys)
    with pytest.raises(UserError, match=message):
        load_task_network(path)


def test_other_runs_are_refused(tmp_path):
    create_run(tmp_path / "g", "transfer", {}).finish({})
    with pytest.raises(RunError, match="holds a transfer, where a task-network is needed"):
        load_task_network(tmp_path / "g")


def test_filling_names_the_keys_that_differ():
    layer = torch.nn.Linear(2, 3)
    with pytest.raises(ValueError, match=r"^missing: bias; not of this network: b, c$"):
        fill(layer, {"weight": torch.ones(3, 2), "b": torch.ones(1), "c": torch.ones(1)})
    with pytest.raises(ValueError, match=r"^other shapes: weight \(2, 3\) instead of \(3, 2\)$"):
        fill(layer, {"weight": torch.ones(2, 3), "bias": torch.ones(3)})
    fill(layer, {"weight": torch.ones(3, 2), "bias": torch.zeros(3)})
    assert layer.weight.sum() == 6


def test_a_layout_in_memory_is_no_difference(config, tmp_path):
    """channels_last runs are stored row-major, so that their weights have one digest."""
    one, other = (
        train_task(replace(config(steps=1, learning_rate=1e-30, validation=()), **changes))
        for changes in ({}, {"channels_last": False, "out": tmp_path / "other"})
    )
    encoders = [
        {n: t for n, t in open_run(path).weights().items() if n.endswith("weight")}
        for path in (one, other)
    ]
    for name, tensor in encoders[0].items():
        torch.testing.assert_close(tensor, encoders[1][name], msg=name)
