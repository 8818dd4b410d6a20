"""What `plan` says of requests, beside what a server counts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.cluster import Cluster
from atdt.domains import ViewPlan
from atdt.extract import Prices, extract, plan_extraction
from atdt.extract.estimate import ExtractionEstimate, PlannedArray
from atdt.extract.requests import Requests, requests_of
from atdt.lease import RENEW
from atdt.places import place
from tests.made_objects import upload

SPARE = 30  # lists, and reads, that a command may do without
SPARE_OF_WORKER = 20


@pytest.fixture
def asked(s3):
    """What a verb asks of the server."""

    def count(config) -> Requests:
        s3.forget()
        extract(config)
        found = Counter(
            "LIST" if (method, path) == ("GET", "/bucket") else method
            for method, path in s3.requests
        )
        return Requests(found["PUT"] + found["POST"], found["LIST"], found["GET"] + found["HEAD"])

    return count


def check(plan: Requests, found: Requests, spare: int) -> None:
    assert plan.writes == found.writes
    assert found.lists <= plan.lists <= found.lists + spare
    assert found.reads <= plan.reads <= found.reads + spare


@pytest.mark.parametrize(
    "changes",
    [
        {"encoders": (), "labels": ("depth",)},
        {"labels": ("semantic", "depth"), "samples_per_shard": 2},
    ],
)
def test_one_process_asks_what_was_planned(changes, config, bucket, asked):
    chosen = config(out=place(f"{bucket}/a.zarr"), **changes)
    check(plan_extraction(chosen, rate=1e9).requests, asked(chosen), SPARE)
    again = plan_extraction(chosen, rate=1e9)
    assert again.requests.writes == asked(chosen).writes == len(again.estimate.arrays)  # locks


@pytest.mark.parametrize("views", [1, 2])
def test_images_in_a_bucket_are_counted_too(views, config, domain, bucket, asked):
    there = upload(place(domain.rpartition(":")[0]), f"{bucket}/a")
    plan = ViewPlan(views=views, crop=(16, 20))
    chosen = config(domain=f"{there}:train", out=place(f"{bucket}/a.zarr"), plan=plan)
    check(plan_extraction(chosen, rate=1e9).requests, asked(chosen), SPARE)


def test_workers_ask_what_was_planned(config, domain, bucket, asked, dask_workers, s3_options):
    there = upload(place(domain.rpartition(":")[0]), f"{bucket}/a")
    chosen = config(domain=f"{there}:train", out=place(f"{bucket}/a.zarr"))
    plan = plan_extraction(config(**vars(chosen) | {"cluster": Cluster(workers=2)}), rate=1e9)
    theirs = Cluster(address=dask_workers.scheduler_address)
    found = asked(config(**vars(chosen) | {"cluster": theirs}))
    assert found.writes > 3 * plan.blocks * len(plan.estimate.arrays)
    check(plan.requests, found, SPARE + 2 * SPARE_OF_WORKER)


def test_a_shard_in_parts_is_several_requests(config, bucket, asked, monkeypatch):
    for module in ("atdt.objects", "atdt.extract.requests"):
        monkeypatch.setattr(f"{module}.PART", 5 * 2**20)  # the least that S3 takes
    plan = ViewPlan(views=1, pad=(640, 640))
    labels = {"encoders": (), "labels": ("depth",), "plan": plan, "samples_per_shard": 7}
    chosen = config(out=place(f"{bucket}/a.zarr"), **labels)
    planned = plan_extraction(chosen, rate=1e9)
    assert planned.estimate.bytes > 2 * 5 * 2**20
    check(planned.requests, asked(chosen), SPARE)


def made(samples: int, slots: int, item: int) -> ExtractionEstimate:
    """One new array."""
    blocks = -(-samples // slots)
    array = PlannedArray("a/b", (samples, item), "uint8", samples, samples * item, blocks, 0)
    return ExtractionEstimate(samples, (4, 6), slots, (array,), None)


@given(samples=st.integers(1, 10**6), slots=st.integers(1, 999), hours=st.floats(0, 99))
def test_locks_are_renewed_and_workers_copies_counted(samples, slots, hours):
    work = made(samples, min(slots, samples), 9)
    blocks = work.arrays[0].blocks
    quick = requests_of(work, None, 0, new=True, domain=None)
    slow = requests_of(work, None, 3600 * hours, new=True, domain=None)
    assert slow.writes - quick.writes == slow.lists - quick.lists == int(3600 * hours // RENEW)
    shared = requests_of(work, 1, 0, new=True, domain=None)
    assert shared.writes == quick.writes + blocks
    assert requests_of(work, None, 0, new=False, domain=None).writes < quick.writes


def test_what_requests_cost():
    many = Requests(writes=900_000, lists=100_000, reads=10_000_000)
    assert many.dollars(Prices()) == pytest.approx(5 + 4)
    assert many.cost(Prices(1, 0)) == "$1,000.00, at $1 and $0 a thousand"
    assert Requests(1, 0, 0).cost(Prices()).startswith("less than a cent, at $0.005 and $0.0004")
