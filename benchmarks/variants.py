"""Other ways to a faster step of the default G: bfloat16, and `torch.compile`."""

import os
import shutil
from pathlib import Path
from unittest.mock import patch

from benchmarks.harness import Ratio, Scale, Table, interleaved
from benchmarks.loops import Loop, plain_batches, steps

BATCH = 4
COMPILERS = ("c++", "g++", "clang++")  # what inductor needs on a CPU


def variants(store: Path, scale: Scale, folder: Path) -> Table:
    """The default G's step in bfloat16 and compiled ÷ as `train` takes it; one line each."""
    table = Table(
        "a step of the default G done otherwise ÷ eager float32",
        ("step", "ratio [quartiles]", "s a step, this", "eager float32"),
    )
    plain = Loop(store, BATCH)
    rows = {"bfloat16": _ratio(Loop(store, BATCH, precision="bfloat16"), plain, scale)}
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        table.notes.append(f"torch.compile: none of {', '.join(COMPILERS)} is installed.")
    else:
        rows["torch.compile"] = _compiled(store, plain, scale, folder)
    for name, ratio in rows.items():
        table.add(name, ratio, f"{ratio.a:.3f}", f"{ratio.b:.3f}")
        table.figure(name, ratio)
    table.notes.append(
        "Compiling itself is outside the time, and bfloat16 is another result to the last bits; "
        "`train` offers it as --precision and compiles nothing."
    )
    return table


def _compiled(store: Path, plain: Loop, scale: Scale, folder: Path) -> Ratio:
    loop = Loop(store, BATCH)
    loop.learner.network.compile()
    cache = {"TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor")}
    with patch.dict(os.environ, cache):  # nothing is left behind, nothing found from earlier
        return _ratio(loop, plain, scale)


def _ratio(a: Loop, b: Loop, scale: Scale) -> Ratio:
    tensors = b.tensors()
    batches = plain_batches(tensors, BATCH, b.device)
    turn = scale.of(4, 1)
    return interleaved(
        lambda: a.train_bare(steps(batches, turn)),
        lambda: b.train_bare(steps(batches, turn)),
        scale.pairs,
    )
