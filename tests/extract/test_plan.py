"""What an extraction will take, before it is done."""

import math

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from atdt.cli import main
from atdt.cluster import Cluster
from atdt.domains import ViewPlan
from atdt.errors import UserError
from atdt.extract import ExtractionPlan, Prices, extract, plan_extraction
from atdt.extract.estimate import ExtractionEstimate, PlannedArray


def plan_of(samples: int, per_shard: int, workers: int = 1, rate: float = 1.0):
    """A plan of one new array."""
    blocks = math.ceil(samples / per_shard)
    array = PlannedArray("level4/depth", (samples, 1, 1, 1), "float16", samples, 0, blocks, 0)
    made = ExtractionEstimate(samples, (4, 6), per_shard, (array,), 10**9)
    return ExtractionPlan(made, workers, 1, rate, measured=False)


@pytest.mark.parametrize("changes", [{}, {"labels": ("semantic", "depth")}, {"levels": ("all",)}])
def test_files_and_bytes_are_those_that_extract_makes(config, changes):
    chosen = config(**changes)
    plan = plan_extraction(chosen, rate=10.0)
    assert not chosen.out.exists()
    path = extract(chosen)
    files = [file for file in path.rglob("*") if file.is_file()]
    shards = [file for file in files if "c" in file.relative_to(path).parts[2:3]]
    assert plan.files == len(files)
    assert plan.shards == len(shards)
    assert sum(a.shard_bytes for a in plan.estimate.arrays) == sum(f.stat().st_size for f in shards)
    nothing = plan_extraction(chosen, rate=10.0)
    assert (nothing.blocks, nothing.shards, nothing.seconds) == (0, 0, 0)
    assert nothing.files == plan.files


def test_a_million_images_are_planned_from_a_few(config):
    few = plan_extraction(config(samples_per_shard=None), rate=2.0)
    many = plan_extraction(
        config(samples_per_shard=None, cluster=Cluster(workers=4)), images=10**6, rate=2.0
    )
    assert (few.estimate.samples, many.estimate.samples) == (14, 2 * 10**6)
    per_sample = [plan.estimate.bytes / plan.estimate.samples for plan in (few, many)]
    assert per_sample[0] == per_sample[1]
    assert many.estimate.samples_per_shard > few.estimate.samples_per_shard
    assert many.seconds >= 2 * 10**6 / (4 * 2.0)
    text = "\n".join(many.lines)
    assert "by 4 workers, at 2 samples/s" in text
    assert "as given" in text


@given(
    samples=st.integers(1, 10**7),
    per_shard=st.integers(1, 10**4),
    workers=st.integers(1, 1000),
    rate=st.floats(0.01, 1000),
)
def test_workers_share_blocks_and_the_last_turn_may_leave_some_idle(
    samples, per_shard, workers, rate
):
    plan = plan_of(samples, min(per_shard, samples), workers, rate)
    shared, block = samples / workers / rate, samples / plan.blocks / rate
    assert shared * (1 - 1e-9) <= plan.seconds <= (shared + block) * (1 + 1e-9)


def test_workers_without_a_block_are_said():
    assert "3 of 5 workers will have nothing to do; --samples-per-shard 2" in "\n".join(
        plan_of(10, 5, workers=5).lines
    )


@pytest.mark.parametrize(
    ("changes", "given", "message"),
    [
        ({"cluster": Cluster("tcp://a:1")}, {}, "--dask tcp://a:1: a plan asks nobody"),
        ({"cluster": Cluster(workers=0)}, {}, "--workers 0"),
        ({}, {"rate": 0.0}, r"--rate 0\.0: must be above 0"),
        ({}, {"images": 0}, "--images 0: must be above 0"),
        ({}, {"prices": Prices(read=-1)}, "--request-prices 0.005 -1: must not be below 0"),
        ({"threads": 0}, {}, "--threads 0"),
    ],
)
def test_what_cannot_be_planned(config, changes, given, message):
    with pytest.raises(UserError, match=message):
        plan_extraction(config(**changes), **given)


def test_the_command_prints_it_and_writes_nothing(config, networks):
    chosen = config()
    arguments = ["plan", chosen.domain, "--encoder", str(networks["n1"]), "--out", str(chosen.out)]
    done = CliRunner().invoke(main, [*arguments, "--workers", "2", "--images", "1000"])
    assert done.exit_code == 0, done.output
    assert "6000 samples" in done.output
    assert "measured on a few batches" in done.output
    assert "at $0.005 and $0.0004 a thousand, as S3 and Google ask" in done.output
    free = ["--rate", "1", "--request-prices", "1000", "0"]
    done = CliRunner().invoke(main, [*arguments, *free])
    alike = config(
        plan=ViewPlan(views=6), encoders=chosen.encoders[:1], labels=(), samples_per_shard=None
    )
    asked = plan_extraction(alike, rate=1.0).requests
    assert f"${asked.writes + asked.lists}.00, at $1000 and $0 a thousand\n" in done.output
    assert not chosen.out.exists()
