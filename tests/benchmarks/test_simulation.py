"""The extraction in which nothing is computed, on a few hundred images instead of a million."""

from pathlib import Path

import pytest

from benchmarks import plan
from benchmarks.harness import Scale
from benchmarks.simulation import NAMES, PER_SHARD, simulate

IMAGES = 300


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells its memory")
def test_what_is_left_of_an_extraction_makes_the_files_of_a_plan(
    forked_workers, tmp_path, monkeypatch
):
    found = simulate(tmp_path, IMAGES)
    shards = [path for path in tmp_path.glob("store.zarr/level4/*/c/**/*") if path.is_file()]
    assert len(shards) == found["shards"] == len(NAMES) * -(-IMAGES // PER_SHARD)
    assert found["files"] == found["planned files"] > found["shards"]
    monkeypatch.setattr(plan, "_simulated", lambda folder, images: found)
    (table,) = plan.measure(Scale(quick=True), tmp_path)
    shown = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["files"] for row in shown] == [row["files: as planned"] for row in shown]
    assert {row["files"] for row in shown} == {str(found["files"])}
