"""A store that is held in memory is held once by the ranks of a machine."""

import json
import math
from pathlib import Path

import pytest

from atdt.domains import ViewPlan
from atdt.stores import open_store
from tests.made_ranks import ended, start

# Prints what reading the store has added: to the process alone, and of memory that is shared.
PROGRAM = """
import json, re, sys
from pathlib import Path
from atdt.cli import main
from atdt.transfer.feed import ResidentFeed

def alone():
    return 1024 * int(re.search(r"^Anonymous: +(\\d+) kB$", ROLLUP.read_text(), re.M)[1])

def shared():
    found = re.findall(r"^\\S+ rw-s \\S+ \\S+ (\\d+) .*memfd:atdt.*\\nSize: +(\\d+) kB(?s:.*?)"
                       r"\\nPss: +(\\d+) kB", SMAPS.read_text(), re.M)
    return {inode: (1024 * int(size), 1024 * int(part)) for inode, size, part in found}

def measured(self, readers, device, held_on, ranks):
    before = alone()
    make(self, readers, device, held_on, ranks)
    print(json.dumps({"alone": alone() - before, "shared": shared()}), file=sys.stderr)
    ranks.wait()  # else one of the two is measured when the other has gone on

ROLLUP, SMAPS = (Path("/proc/self", name) for name in ("smaps_rollup", "smaps"))
make, ResidentFeed.__init__ = ResidentFeed.__init__, measured
main(sys.argv[1:], prog_name="atdt")
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="Linux tells it")
def test_two_ranks_hold_one_copy_of_a_resident_store(ground, tmp_path):
    plan = ViewPlan(views=3, pad=(256, 256))
    store = ground.extracted("large", plan=plan, dtype="float32", labels=())
    (level,) = open_store(store).levels()
    arrays = [open_store(store).features(level, name) for name in ("depth", "semantic")]
    sizes = [array.dtype.itemsize * math.prod(array.shape) for array in arrays]
    assert sum(sizes) > 32 * 2**20
    options = ["--from", "depth", "--to", "semantic", "--width", "8", "--steps", "1", "--batch=2"]
    options += ["--feed", "resident", "--device", "cpu", "--out", str(tmp_path / "g")]
    ends = ended(start(2, ["-c", PROGRAM, "train", str(store), *options]))
    assert [code for code, _, _ in ends] == [0, 0], ends
    found = [json.loads(errors) for _, _, errors in ends]
    one, other = (rank["shared"] for rank in found)
    assert one.keys() == other.keys()
    assert sorted(size for size, _ in one.values()) == sorted(sizes)
    held = sum(part for rank in (one, other) for _, part in rank.values())
    assert held == pytest.approx(sum(sizes), rel=0.02)
    assert all(rank["alone"] < sum(sizes) / 4 for rank in found)
