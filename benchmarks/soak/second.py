"""Two extractions of one array at a time: the second is refused, and the first is not disturbed."""

import time

from atdt.stores.lock import LOCK
from benchmarks.soak.child import PATIENCE, Child
from benchmarks.soak.jobs import Extract, same
from benchmarks.soak.world import World, run


def intrude(world: World, job: Extract, times: int) -> str:
    """Start a second extraction, `times` times, while a first one is at work.

    Raises:
        AssertionError: it is let in, or says something else, or the first one suffers.
    """
    for turn in range(times):
        out = world.new("shared")
        first = Child([*job.arguments, "--out", str(out)], world.folder / "first.log")
        locks = f"level*/*/{LOCK}"
        until = time.monotonic() + PATIENCE
        while str(first.pid) not in [lock.read_text() for lock in out.glob(locks)]:
            assert time.monotonic() < until and not first.ends_within(0), first.printed()
            time.sleep(0.001)
        first.hold()  # so that it is still at work when the second comes
        again = ["--resume"] if turn % 2 else ["--overwrite", "edges", "--overwrite", "semantic"]
        try:
            second = run(*job.arguments, "--out", out, *again)
        finally:
            first.go_on()
        assert second.exit_code == 2, f"the second was let in: {second.output}"
        assert f"process {first.pid} is writing it" in second.stderr, second.stderr
        assert first.code() == 0, first.printed()
        same(job, out)
    return "every second one refused"
