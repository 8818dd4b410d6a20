"""A little of `make soak`, with another seed each time: a failure names the moment or the place."""

from random import Random

import pytest

from benchmarks.soak.disks import fill
from benchmarks.soak.flips import Flips
from benchmarks.soak.interrupts import interrupt
from benchmarks.soak.kills import kill
from benchmarks.soak.second import intrude
from benchmarks.soak.torn import tear

VERBS = ("extract", "train-task", "train", "decode")


@pytest.mark.parametrize("verb", VERBS)
def test_a_kill_at_any_moment_is_gone_on_with(world, jobs, verb):
    kill(world, jobs[verb], 1, Random())


@pytest.mark.parametrize("verb", VERBS)
def test_ctrl_c_stops_cleanly_at_any_moment(world, jobs, verb):
    interrupt(world, jobs[verb], 1, Random())


def test_a_second_extraction_is_refused(world, jobs):
    intrude(world, jobs["extract"], 1)


@pytest.mark.parametrize("verb", VERBS)
def test_a_disk_that_fails_loses_nothing_committed(small, verb):
    world, jobs = small
    failures, _ = fill(world, jobs[verb], every=60, first=Random().randrange(1, 20))
    assert failures >= 2


def test_torn_and_orphaned_files_do_not_stop_a_resume(small):
    world, jobs = small
    tear(world, jobs["extract"], 4, Random())


@pytest.mark.parametrize("kind", ["shards", "others"])
def test_flipped_bytes_are_found_and_never_read(tmp_path, kind):
    flips = Flips(tmp_path)
    flips.flip(getattr(flips, kind)(), 30, Random())
