"""A network of a user's own, copied into a folder whose files say what it does in a worker.

client      pid of the process that is none
seen        a line for each batch: the pid of who computed it
seconds     how long a batch takes
slow        the pid of who waits in the midst of a batch until this file is gone
die computing, die writing   removed, and the worker kills itself in the midst of it
deadly      every batch kills
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from atdt import objects
from atdt.networks import TaskNetwork, tiny
from atdt.stores import shard_writer, shards

HERE = Path(__file__).parent
IN_WORKER = os.getpid() != int((HERE / "client").read_text())


def network(out_channels: int) -> TaskNetwork:
    """`tiny`, watched."""
    made = tiny.build(out_channels)
    made.stages[0] = Watched(made.stages[0])
    return made


class Watched(nn.Module):
    """Passes images to the stage that it wraps, and does what the folder says."""

    def __init__(self, stage: nn.Module):
        super().__init__()
        self.stage = stage

    def forward(self, images: Tensor) -> Tensor:
        if IN_WORKER and images.device.type != "meta":
            with (HERE / "seen").open("a") as file:
                file.write(f"{os.getpid()}\n")
            time.sleep(float((HERE / "seconds").read_text()))
            _wait_while_slow()
            if (HERE / "deadly").exists():
                _die()
            _die_once("computing")
        return self.stage(images)


def _wait_while_slow() -> None:
    for _ in range(6000):
        try:
            if int((HERE / "slow").read_text() or 0) != os.getpid():
                return
        except FileNotFoundError:
            return
        time.sleep(0.02)
    raise TimeoutError("nobody has let it go on")


def _die_once(doing: str) -> None:
    try:
        (HERE / f"die {doing}").unlink()
    except FileNotFoundError:
        return
    _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if IN_WORKER:

    class System:
        """The operating system, in which the bytes of a shard may be the last thing one writes."""

        def __getattr__(self, name: str) -> object:
            return getattr(os, name)

        def fsync(self, handle: int) -> None:
            _die_once("writing")
            os.fsync(handle)

    class Objects:
        """An object store, in which a shard that nobody hears of is the worst that one leaves."""

        def __getattr__(self, name: str) -> object:
            return getattr(objects, name)

        def put(self, *arguments: Any, **options: Any) -> None:
            objects.put(*arguments, **options)
            _die_once("writing")

    shards.os, shard_writer.objects = System(), Objects()
