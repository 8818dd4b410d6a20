"""Transfer runs come back as what was trained."""

import json

import pytest
import torch

from atdt.errors import NetworkError, RunError
from atdt.stores import open_store
from atdt.training.load import load_task_network
from atdt.transfer import load_transfer, train


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"architecture": "linear", "options": {}},
        {"architecture": "paper", "options": {"width": 4}},
        {"architecture": "paper", "options": {"width": 4, "standardise": True}},
    ],
)
def test_a_loaded_g_is_the_trained_one(config, monkeypatch, changes):
    from atdt.transfer import training

    kept = []
    build = training.build
    monkeypatch.setattr(training, "build", lambda *a: kept.append(build(*a)) or kept[-1])
    chosen = config(**changes)
    loaded = load_transfer(train(chosen))
    store = open_store(chosen.store)
    features = torch.from_numpy(store.features(loaded.source_level, "depth").read_block(0)).float()
    with torch.no_grad():
        torch.testing.assert_close(loaded.module(features), kept[0].eval()(features))
    assert not loaded.module.training
    assert not any(parameter.requires_grad for parameter in loaded.module.parameters())
    assert loaded.mode == "features"
    assert loaded.level == load_task_network(chosen.store.parent / "n2").network.levels[-1]


def test_a_loaded_head_predicts_at_the_decoders_size_and_crops_on_request(config, ground):
    loaded = load_transfer(train(config(architecture="head", target_run=ground.n2)))
    network = load_task_network(ground.n2).network
    channels, height, width = network.feature_shape(None, (20, 28))
    features = torch.randn(2, channels, height, width)
    whole = loaded.module(features)
    assert whole.shape == network.decode(features).shape
    cropped = loaded.module(features, size=(20, 28))
    assert cropped.shape[-2:] == (20, 28)
    assert torch.equal(whole[..., :20, :28], cropped)


def test_a_run_that_is_no_transfer_or_was_tampered_with_is_refused(config, ground):
    with pytest.raises(RunError, match="a transfer is needed"):
        load_transfer(ground.n1)
    run = train(config())
    info = json.loads((run / "run.json").read_text())
    broken = [
        ({"source": None}, RunError, "does not describe a transfer network"),
        ({"mode": "dream"}, NetworkError, "another version of atdt"),
        ({"options": info["options"] | {"width": 9}}, RunError, "weights and network differ"),
        ({"architecture": "nothing"}, NetworkError, "choose one of"),
    ]
    for change, error, message in broken:
        (run / "run.json").write_text(json.dumps(info | change))
        with pytest.raises(error, match=message):
            load_transfer(run)
