"""The verb: render a pair of street domains into a folder."""

import math
import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from atdt.domains.streets.config import DOMAINS, RenderConfig
from atdt.domains.streets.files import frame_files, render_frames, write_domain
from atdt.domains.streets.frozen import DIGESTS
from atdt.errors import DomainError
from atdt.file_sizes import Sizes
from atdt.files import remove
from atdt.hold import exclusive_until
from atdt.progress import progress
from atdt.texts import read_json, write_json

FINISHED = "streets.json"
STARTED = "streets.partial.json"
CHUNK = 8  # frames a task: long enough to hide the hand-over, short enough to share out
FEW = 10 * 96 * 192  # pixels are rendered before another process has started

Task = tuple[str, str, list[int]]


def render(config: RenderConfig) -> Path:
    """Render both domains of a pair with all labels, and give back the folder.

    A folder that already holds this very rendering is given back at once; one that was
    interrupted is gone on with. Processes are spawned, so a script that calls this must guard its
    own start with `if __name__ == "__main__":`.

    Raises:
        DomainError: the folder holds another rendering, or domains that were not rendered here.
        RunError: another process renders there.
    """
    wanted = config.to_dict() | {"digest": DIGESTS[config.pair]}
    with exclusive_until(config.out / FINISHED):
        if (config.out / FINISHED).exists():
            _refuse_other(config.out / FINISHED, wanted)
        else:
            _render(config, wanted)
    return config.out


def _render(config: RenderConfig, wanted: dict) -> None:
    if (config.out / STARTED).exists():
        _refuse_other(config.out / STARTED, wanted)
    else:
        for domain in DOMAINS:
            if (config.out / domain).exists():
                raise DomainError(
                    f"{config.out / domain}: exists, and was not made by 'atdt render'; "
                    "choose another --out or move it away"
                )
        write_json(config.out / STARTED, wanted)
    tasks = list(_tasks(config))
    with progress(f"render {config.pair}", sum(len(task[2]) for task in tasks), "frames") as go:
        for done in _work(config, tasks):
            go(done)
    for domain in DOMAINS:
        write_domain(config, domain)
    write_json(config.out / FINISHED, wanted)
    remove(config.out / STARTED)


def _refuse_other(record: Path, wanted: dict) -> None:
    there = read_json(record)
    if there == wanted:
        return
    keys = [key for key in wanted if not isinstance(there, dict) or there.get(key) != wanted[key]]
    what = ", ".join(
        f"{key} is {there.get(key) if isinstance(there, dict) else None}, wanted {wanted[key]}"
        for key in keys
    )
    raise DomainError(
        f"{record}: holds another rendering ({what}); choose another --out or delete the folder"
    )


def _tasks(config: RenderConfig) -> Iterator[Task]:
    """The frames that are not there yet, in chunks; a frame's camera file is written last."""
    sizes = Sizes()
    for domain in DOMAINS:
        for split, count in config.counts().items():
            cameras = [
                config.out / domain / frame_files(split, index, config.right)["camera"]
                for index in range(count)
            ]
            missing = [index for index, camera in enumerate(cameras) if not sizes.has(camera)]
            for start in range(0, len(missing), CHUNK):
                yield domain, split, missing[start : start + CHUNK]


def _work(config: RenderConfig, tasks: list[Task]) -> Iterator[int]:
    """Do the tasks, in this process for one worker or a few frames, and yield the frames of each
    when done."""
    frames = sum(len(indices) for _, _, indices in tasks)
    few = frames * math.prod(config.size) <= FEW
    workers = min(config.workers or (1 if few else _cores()), len(tasks))
    if workers <= 1:
        for domain, split, indices in tasks:
            for index in indices:
                yield render_frames(config, domain, split, [index])
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures: list[Future[int]] = [pool.submit(render_frames, config, *task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
