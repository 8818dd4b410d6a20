"""Resident or streamed, from sizes; and the reason that is given."""

import pytest
import torch

from atdt.errors import UserError
from atdt.transfer.memory import _free_ram, choose_feed, free_bytes

CPU, GPU = torch.device("cpu"), torch.device("cuda")
GB = 10**9


@pytest.mark.parametrize(
    ("resident", "device", "free", "options", "kind", "held_on", "reason"),
    [
        (3 * GB, CPU, {"cpu": 8 * GB}, {}, "resident", CPU, "3 GB of 4 GB (half of the free"),
        (5 * GB, CPU, {"cpu": 8 * GB}, {}, "stream", CPU, "store takes 5 GB of 4 GB"),
        (5 * GB, CPU, {"cpu": 8 * GB}, {"budget": 6 * GB}, "resident", CPU, "--memory-budget"),
        (3 * GB, CPU, {"cpu": 8 * GB}, {"budget": 2 * GB}, "stream", CPU, "--memory-budget"),
        (3 * GB, CPU, {"cpu": 8 * GB}, {"forced": "stream"}, "stream", CPU, "as asked for"),
        (9 * GB, CPU, {"cpu": 8 * GB}, {"forced": "resident"}, "resident", CPU, "as asked for"),
        (3 * GB, GPU, {"cpu": 8 * GB, "cuda": 8 * GB}, {}, "resident", GPU, "on cuda"),
        (3 * GB, GPU, {"cpu": 8 * GB, "cuda": 4 * GB}, {}, "resident", CPU, "on cpu"),
        (5 * GB, GPU, {"cpu": 8 * GB, "cuda": 4 * GB}, {}, "stream", CPU, "stream"),
        (3 * GB, GPU, {"cpu": 8 * GB, "cuda": 4 * GB}, {"budget": 9 * GB}, "resident", CPU, "cpu"),
    ],
)
def test_the_choice(resident, device, free, options, kind, held_on, reason):
    choice = choose_feed(resident, GB, device, free=free, **options)
    assert (choice.kind, choice.held_on) == (kind, held_on)
    assert reason in choice.reason


def test_a_budget_below_two_windows_is_refused_with_a_way_out():
    with pytest.raises(UserError, match=r"streaming it 1 GB.*500 MB.*lower --window"):
        choose_feed(3 * GB, GB, CPU, budget=GB // 2, free={"cpu": 8 * GB})


def test_an_unknown_feed_is_refused():
    with pytest.raises(UserError, match="--feed teleport: choose one of auto, resident, stream"):
        choose_feed(1, 1, CPU, forced="teleport")


def test_a_containers_limit_counts(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    assert _free_ram(tmp_path) == 8000 * 1024
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.current").write_text("1000\n")
    (group / "memory.max").write_text("max\n")
    assert _free_ram(tmp_path) == 8000 * 1024
    (group / "memory.max").write_text("5000\n")
    assert _free_ram(tmp_path) == 4000
    assert free_bytes(CPU)["cpu"] > 0
