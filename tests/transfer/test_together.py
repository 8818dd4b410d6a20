"""G trained by several processes: to rounding what one process makes of it."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from atdt.runs import open_run
from atdt.transfer import Consistency, train
from atdt.transfer.learner import Learner
from atdt.transfer.network import build_transfer
from tests.made_kills import Killed, dying_after
from tests.made_ranks import CPU, together, trained
from tests.run_contents import check_alike, curves, weights


def test_two_and_four_processes_train_what_one_does(agreement, tmp_path, monkeypatch):
    """14 samples by batches of 4: the last of an epoch is of two, and of B's of one."""
    monkeypatch.setattr("atdt.transfer.trainee.LOG_EVERY", 1)
    short = {"steps": 12, "batch": 4, "validate_every": 5, "checkpoint_every": 4}
    standard = agreement.training(tmp_path / "one", **short)
    everything = replace(
        standard,
        losses=(("mse", 1.0), ("task", 0.5), ("match-l1", 0.1)),
        feature_noise=0.3,
        keep="best",
        consistency=Consistency(agreement.r, agreement.b_store, 0.5),
    )
    configs = {
        "everything": everything,
        "resumed": everything,
        "odd": replace(standard, batch=6, losses=(("normalised", 1.0),)),
        "head": replace(standard, architecture="head", options={"width": 8}, steps=4),
        "ridge": replace(standard, architecture="ridge", options={}, losses=(("mse", 1.0),)),
        "linear": replace(standard, architecture="linear", options={}, start="ridge", steps=4),
        "stream": replace(everything, feed="stream", start="random"),
        "batch": replace(standard, options={"width": 8, "norm": "batch"}, steps=4),
    }
    for name, config in configs.items():
        train(replace(config, out=tmp_path / f"{name}1"))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Learner, "learn", dying_after(6)(Learner.learn))
        train(replace(everything, out=tmp_path / "resumed2"))
    work = [
        (train, replace(config, out=tmp_path / f"{name}2", resume=name == "resumed"))
        for name, config in configs.items()
        if name != "everything"  # which four train
    ]
    (code, told, errors), (other_code, other_told, other_errors) = trained(2, work, tmp_path)
    assert (code, other_code, errors, other_errors) == (0, 0, "", "")
    assert other_told == ""
    assert "odd2 2 ranks, which take 3 of the 6 samples of a batch each" in told
    noted = {line.split()[0] for line in told.splitlines() if "on a CPU batch norm" in line}
    assert noted == {"batch2", "head2"}  # the decoder of a head has batch norm too
    for name in configs.keys() - {"batch", "head", "ridge", "everything"}:
        check_alike(tmp_path / f"{name}1", tmp_path / f"{name}2")
    one, two = (weights(tmp_path / f"ridge{ranks}") for ranks in "12")
    assert all(one[name].allclose(two[name], rtol=1e-2, atol=1e-3) for name in one)
    assert open_run(tmp_path / "stream2").info["provenance"]["ranks"] == 2
    assert curves(tmp_path / "batch2")[-1]["step"] == "4"
    ends = trained(4, [(train, replace(everything, out=tmp_path / "everything4"))], tmp_path)
    assert [(code, errors) for code, _, errors in ends] == [(0, "")] * 4
    assert "everything4 4 ranks, which take 1 of the 4 samples of a batch each" in ends[0][1]
    check_alike(tmp_path / "everything1", tmp_path / "everything4")
    one, four = (open_run(tmp_path / f"everything{ranks}").info for ranks in "14")
    assert four["provenance"]["ranks"] == 4
    assert four["chosen"] == one["chosen"]
    assert four["scores"] == pytest.approx(one["scores"], 1e-4)


@pytest.mark.parametrize("size", [2, 4])
def test_a_short_batch_counts_as_much_as_it_is_long(size):
    """Also of fewer samples than there are ranks, where all compute all of it."""
    sizes = 8, 5, 3, 1
    drawn = torch.Generator().manual_seed(0)
    source, target = (torch.randn(8, 6, 3, 4, generator=drawn) for _ in range(2))
    network = build_transfer("bottleneck", {"width": 4}, (6, 3, 4), (6, 3, 4), seed=0)

    def learnt(ranks):
        learner = Learner(
            deepcopy(network),
            {"mse": 1.0, "cosine": 0.3},
            steps=len(sizes),
            learning_rate=0.01,
            schedule="cosine",
            device=CPU,
            precision="float32",
            ranks=ranks,
            whole=sizes.__getitem__,
        )
        losses = []
        for step, samples in enumerate(sizes):
            rows = ranks.part(samples)
            batch = {"source": source[:samples][rows], "target": target[:samples][rows]}
            losses.append(learner.learn(step, batch))
        return torch.stack(losses), learner.final_weights()

    (alone,), found = together(1, learnt), together(size, learnt)
    for losses, weights_there in found:
        torch.testing.assert_close(losses, alone[0], rtol=1e-5, atol=1e-6)
        for name, tensor in alone[1].items():
            torch.testing.assert_close(weights_there[name], tensor, rtol=1e-4, atol=1e-5)
            assert torch.equal(weights_there[name], found[0][1][name])  # the same on all
