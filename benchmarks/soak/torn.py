"""Torn shards, cut-off writes and forgotten locks: none of them stops a resume."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from atdt.stores import open_store
from atdt.stores.checks import ROOT_LEDGER
from atdt.stores.layout import METADATA
from atdt.stores.lock import LOCK
from benchmarks.soak.disks import resume, stopped
from benchmarks.soak.jobs import Extract, stray
from benchmarks.soak.world import World

KEPT = "torn"


def tear(world: World, job: Extract, times: int, random: Random) -> str:
    """Harm `times` stores that were stopped at any moment, finished ones too, and resume them.

    Raises:
        AssertionError: a resume is refused or ends otherwise, or leaves what was cut off.
    """
    harmed = 0
    for out in stopped(world, job, times):
        if random.random() < 0.3:
            resume(job, out)
        if not (out / ROOT_LEDGER).exists():  # names only what a making of a root can leave
            out.mkdir(exist_ok=True)
            (out / f".{METADATA}.{KEPT}.partial").write_bytes(b"{")
        else:
            for harm in HARMS:
                harmed += harm(out, random)
        resume(job, out)
        assert not stray(out.rglob("*")), stray(out.rglob("*"))
    return f"{harmed} harms done"


def _cut_shards(out: Path, random: Random) -> int:
    """Shorten a shard or two of each array; the last one and empty files too."""
    cut = 0
    for array in _arrays(out):
        shards = sorted(file for file in array.glob("c/**/*") if file.is_file())
        for shard in {*shards[-1:], *random.sample(shards, min(1, len(shards)))}:
            content = shard.read_bytes()
            shard.write_bytes(content[: random.choice([0, random.randrange(len(content) + 1)])])
            cut += 1
    return cut


def _orphan_shards(out: Path, random: Random) -> int:
    """Shards that no ledger names, of noise."""
    made = 0
    for array in _arrays(out):
        for block in range(open_store(out).blocks):
            dimensions = 2 if array.parent.name == "labels" else 3
            shard = array.joinpath("c", str(block), *"0" * dimensions)
            if not shard.exists():
                shard.parent.mkdir(parents=True, exist_ok=True)
                shard.write_bytes(random.randbytes(random.randrange(500)))
                made += 1
    return made


def _cut_off_writes(out: Path, random: Random) -> int:
    """Temporary files as zarr and this package name them, wherever they write."""
    made = 0
    for array in _arrays(out):
        for name in (".ledger.jsonl", f".{METADATA}"):
            (array / f"{name}.{KEPT}.partial").write_bytes(random.randbytes(9))
        folder = array / "c" / "1" / "0"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"0.{random.randbytes(16).hex()}.partial").write_bytes(b"zarr")
        (folder / "0.partial").write_bytes(random.randbytes(9))
        made += 4
    return made


def _forgotten_locks(out: Path, random: Random) -> int:
    """Lock files of processes that are gone."""
    folders = [out / "sample_id", *_arrays(out)]
    for folder in folders:
        (folder / LOCK).write_text(random.choice(["", "1", "999999", "no number"]))
    return len(folders)


def _cut_ledgers(out: Path, random: Random) -> int:
    """The last line of a ledger, torn."""
    cut = 0
    for array in _arrays(out):
        ledger = array / "ledger.jsonl"
        if ledger.exists() and random.random() < 0.5:
            content = ledger.read_bytes()
            ledger.write_bytes(content[: random.randrange(len(content) // 2, len(content))])
            cut += 1
    return cut


HARMS: tuple[Callable[[Path, Random], int], ...] = (
    _cut_shards,
    _orphan_shards,
    _cut_off_writes,
    _cut_ledgers,
    _forgotten_locks,
)


def _arrays(out: Path) -> list[Path]:
    """Folders of arrays that were begun, in groups that only hold arrays."""
    groups = [*out.glob("level*"), *out.glob("labels")]
    return sorted(array for group in groups for array in group.iterdir() if array.is_dir())
