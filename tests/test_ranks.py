"""Ranks: who does what, and that their parts of a loss add up to the whole."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.errors import UserError
from atdt.launch import TOLD, Launch, launch
from atdt.ranks import ALONE, Ranks, _own_device, joined
from atdt.tasks import get_task, task_names
from atdt.tasks.base import counted
from atdt.training.cross_task import Agreement, mean_of_labelled
from tests.made_ranks import CPU, together

SIZES = 1, 2, 4
SHAPE = 8, 5, 6  # images, height and width


@given(samples=st.integers(1, 40), size=st.integers(1, 6))
def test_parts_of_a_batch_are_neighbours_of_nearly_one_size(samples, size):
    ranks = [Ranks(Launch(rank, size, rank, size), CPU) for rank in range(size)]
    parts = [range(samples)[rank.part(samples)] for rank in ranks]
    weights = [rank.weight(samples) for rank in ranks]
    assert sum(weights) == pytest.approx(1)
    if samples < size:
        assert set(parts) == {range(samples)}
        assert set(weights) == {1 / size}
    else:
        assert [sample for part in parts for sample in part] == list(range(samples))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
        assert weights == [len(part) / samples for part in parts]


@given(items=st.integers(0, 20), machines=st.integers(1, 3), local=st.integers(1, 3))
def test_turns_leave_nothing_out_of_all_or_of_a_machine(items, machines, local):
    size = machines * local
    ranks = [Ranks(Launch(r, size, r % local, local), CPU) for r in range(size)]
    assert sorted(i for rank in ranks for i in rank.mine(range(items))) == list(range(items))
    for first in range(0, size, local):
        own = [rank.mine_of_machine(range(items)) for rank in ranks[first : first + local]]
        assert sorted(i for part in own for i in part) == list(range(items))


def drawn(task, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """An output and a target, of which some images have hardly a pixel that counts, or none."""
    generator = torch.Generator().manual_seed(seed)
    output = torch.randn(SHAPE[0], 3, *SHAPE[1:], generator=generator)
    there = (
        torch.rand(SHAPE, generator=generator)
        < torch.tensor([1, 0, 0, 0.1, 0.9, 0, 0.02, 1])[:, None, None]
    )
    if task.label == "semantic":
        ids = torch.randint(3, SHAPE, generator=generator)
        return output, task.target(None, torch.where(there, ids, 255))
    if task.label == "depth":
        metres = 1 + 60 * torch.rand(SHAPE, generator=generator)
        return output[:, :1], task.target(None, torch.where(there, metres, 0.0))
    if task.label == "normals":
        vectors = torch.nn.functional.normalize(output.roll(1, dims=0), dim=1)
        return output, task.target(None, torch.where(there[:, None], vectors, 0.0))
    return output[:, :1], task.target(output.sigmoid(), None)


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("name", task_names())
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_parts_of_a_task_s_loss_add_up_to_it_with_their_gradients(name, weighed, seed):
    task = get_task(name)
    output, target = drawn(task, seed)
    weight = torch.rand(SHAPE, generator=torch.Generator().manual_seed(seed)) if weighed else None
    output.requires_grad_()
    whole = task.loss(output, target, weight)
    (gradient,) = torch.autograd.grad(whole, output)
    for size in SIZES[1:]:

        def part(ranks):
            rows = ranks.part(len(output))
            weights = None if weight is None else weight[rows]
            own = output.detach()[rows].requires_grad_()
            valid = task.valid(target[rows], own.shape[1])
            loss = task.loss(own, target[rows], weights) * ranks.share(counted(valid, weights))
            return loss.detach(), torch.autograd.grad(loss, own)[0]

        losses, gradients = zip(*together(size, part), strict=True)
        torch.testing.assert_close(sum(losses), whole.detach(), rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(torch.cat(gradients), gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["semantic", "depth", "normals"])
def test_what_a_cross_task_loss_is_a_mean_over_is_what_is_valid(name):
    task = get_task(name)
    guess, target = drawn(task, 3)
    errors = task.disagreement(guess, target)
    assert torch.equal(~errors.isnan(), task.valid(target, guess.shape[1]))
    loss = Agreement(task).loss(guess, target)
    torch.testing.assert_close(loss, mean_of_labelled(errors))


@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_after_a_step_all_have_the_sum_of_gradients_and_the_mean_of_statistics(seed):
    def part(ranks):
        generator = torch.Generator().manual_seed(seed + ranks.launch.rank)
        module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3))
        module.append(torch.nn.Linear(1, 1).requires_grad_(False))
        module.append(torch.nn.BatchNorm2d(3).eval())  # as of a decoder that is frozen
        module.register_buffer("scale", torch.tensor(0.1))
        module[1].running_mean.copy_(torch.randn(3, generator=generator))
        module[0].weight.grad = torch.randn(3, 2, 1, 1, generator=generator)
        before = module[0].weight.grad.clone(), module[1].running_mean.clone()
        losses = torch.tensor([1.0 + ranks.launch.rank])
        ranks.meet(module, losses, (1 + 2 * ranks.launch.rank) / 4)
        after = module[0].weight.grad, module[1].running_mean
        assert module[0].bias.grad.tolist() == [0, 0, 0]  # reached by nobody
        assert module[2].weight.grad is None
        assert module[3].running_var.tolist() == [1, 1, 1]
        assert module.scale == torch.tensor(0.1)
        assert losses.item() == 3
        return before, after

    (one, after), (two, same) = together(2, part)
    torch.testing.assert_close(after[0], one[0] + two[0])
    torch.testing.assert_close(after[1], one[1] / 4 + 3 * two[1] / 4)
    assert all(map(torch.equal, after, same))


def test_one_process_is_alone_whatever_else_the_environment_says(monkeypatch):
    for name in TOLD:
        monkeypatch.delenv(name, raising=False)
    assert launch() == Launch()
    monkeypatch.setenv("RANK", "1")  # some clusters set a part of it
    assert launch() == Launch()
    for name, value in zip(TOLD, ("3", "4", "1", "2"), strict=True):
        monkeypatch.setenv(name, value)
    assert launch() == Launch(3, 4, 1, 2)
    for name, value in zip(TOLD, ("0", "1", "0", "1"), strict=True):  # --nproc-per-node 1
        monkeypatch.setenv(name, value)
    with joined("cpu") as ranks:
        assert ranks == ALONE


def test_each_rank_takes_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    two = Launch(3, 4, 1, 2)
    assert _own_device("auto", two) == _own_device("cuda", two) == torch.device("cuda:1")
    assert _own_device("cpu", Launch(3, 4, 3, 4)) == CPU
    with pytest.raises(UserError, match="takes a GPU of its own; give --device cuda"):
        _own_device("cuda:0", two)
    with pytest.raises(UserError, match="3 ranks on this machine, which has 2 GPUs"):
        _own_device("auto", Launch(0, 3, 0, 3))


def test_what_differs_from_one_process_is_said():
    ranks = Ranks(Launch(0, 2, 0, 2), CPU)
    plain = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.GroupNorm(1, 1))
    assert ranks.said(plain, 8) == ["2 ranks, which take 4 of the 8 samples of a batch each"]
    told = ranks.said(plain.append(torch.nn.BatchNorm2d(1)).append(torch.nn.Dropout(0.1)), 8)
    assert ["batch norm" in told[1], "dropout" in told[2]] == [True, True]
    assert ALONE.said(plain, 8) == []
    assert ranks.normalised_together(plain) is plain  # on a CPU


def test_batch_norm_is_over_all_ranks_on_gpus():
    ranks = Ranks(Launch(0, 2, 0, 2), torch.device("cuda:0"))
    module = torch.nn.Sequential(torch.nn.BatchNorm2d(2))
    names, weight = set(module.state_dict()), module[0].weight
    made = ranks.normalised_together(module)
    assert isinstance(made[0], torch.nn.SyncBatchNorm)
    assert set(made.state_dict()) == names
    assert made[0].weight is weight
    assert len(ranks.said(made, 8)) == 1
