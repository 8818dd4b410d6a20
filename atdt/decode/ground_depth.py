"""`atdt ground-depth`: depth of the ground and of what stands on it, from a camera and semantics.

Where a flat road is seen under a known camera, its depth is known without having been measured: the
ray through a pixel meets the ground at one place. What stands there upright is as far as where it
stands (Hoiem et al., Automatic Photo Pop-up, SIGGRAPH 2005). B's labels of T1 say which pixels are
which, so that half of the pixels of a domain without a label of depth have one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atdt.checks import check_out_apart
from atdt.decode.folder import PredictionsWriter, identity
from atdt.decode.header import header_of_labels
from atdt.digests import sha256_file
from atdt.domains import Domain, ViewPlan, open_domain
from atdt.domains.cameras import Pose
from atdt.domains.pose import known_mount, pose
from atdt.domains.reprojection import turn
from atdt.errors import MismatchError, UserError
from atdt.predictions import INDEX, PREDICTIONS, Predictions, open_predictions
from atdt.tasks import get_task
from atdt.tasks.base import Task

FARTHEST = 40.0  # metres; a tenth of a degree of pitch is 3 % of depth there, at a height of 2.5 m


@dataclass(frozen=True, kw_only=True)
class GroundDepth:
    """What is ground, in which images.

    Attributes:
        domain: PATH[:SPLIT][@N], with semantic labels, focal length and [mount] with a height.
        out: the predictions folder.
        ground: names of classes that lie flat → metres above the plane on which the camera's height
            is measured.
        standing: names of those that stand upright on it.
        elsewhere: predictions of depth of the same images, which hold where no ground is known;
            None: there is none there.
        farthest: metres; what is farther is not taken from the plane.
        resume, overwrite: go on with, or replace, what is in `out`.
    """

    domain: str
    out: Path
    ground: tuple[tuple[str, float], ...] = (("road", 0.0),)
    standing: tuple[str, ...] = ()
    elsewhere: Path | None = None
    farthest: float = FARTHEST
    resume: bool = False
    overwrite: bool = False


def ground_depth(config: GroundDepth) -> Path:
    """Write the ground's depth for every image of a domain; gives back the predictions folder.

    `train-task --pseudo SPEC=FOLDER` learns from it, and so does `distill`.

    Raises:
        DomainError: no semantic labels, or focal length or [mount] is unknown.
        UserError: a class that the domain does not have, a distance that cannot be, or what is in
            `config.out` already.
        MismatchError: `elsewhere` is no depth, or of other images or views of them.
    """
    if not config.farthest > 0:
        raise UserError(f"--farthest {config.farthest:g}: must be above 0 metres")
    check_out_apart(config.out, [config.elsewhere])
    domain = open_domain(config.domain, labels=("semantic",))
    classes = ground_classes(config.ground, config.standing, domain)
    pose(domain, 0)  # now, not after the first image
    elsewhere = None if config.elsewhere is None else _checked(config.elsewhere, domain)
    to_focal = 1.0 if elsewhere is None else _focal_ratio(domain, elsewhere)
    task = get_task("depth")

    def found(index: int, image: str) -> dict[str, Path]:
        ids = domain.label(index, "semantic")
        metres = upright_depth(ids, classes, pose(domain, index), config.farthest)
        other = 0.0 if elsewhere is None else elsewhere.read(image, task) * to_focal
        depth = np.where(metres > 0, metres, other).astype(np.float32)
        return {PREDICTIONS: task.write(writer.path(PREDICTIONS, image), depth)}

    with PredictionsWriter(
        config.out,
        _header(config, domain, elsewhere, task),
        [sample.image for sample in domain.samples],
        [PREDICTIONS],
        resume=config.resume,
        overwrite=config.overwrite,
    ) as writer:
        writer.write_each(f"ground of {domain.name}:{domain.split}", found)
    return config.out


@dataclass(frozen=True)
class Classes:
    """Ids of a label space: of what lies flat → metres above the plane, and of what stands."""

    ground: Mapping[int, float]
    standing: tuple[int, ...]


def upright_depth(ids: np.ndarray, classes: Classes, pose: Pose, farthest: float) -> np.ndarray:
    """Depth along the axis of the camera of the ground and of what stands on it.

    Column by column: a pixel that stands right above ground is as far ahead, on the level, as that
    ground, and so are those of its class above it. What stands behind something else is not known,
    nor is what hangs over it.

    Args:
        ids: (H, W) of the label space.
        pose: of the camera above a level ground.
        farthest: metres of depth; ground beyond it is not known, nor is what stands there.

    Returns:
        (H, W) float64 metres, 0 where it is not known.
    """
    _, down, ahead = rays(ids.shape, pose)
    metres = np.zeros(ids.shape)
    for ground, raised in classes.ground.items():
        here = (ids == ground) & (down > 0)
        metres[here] = (pose.mount.height - raised) / down[here]
    metres[metres > farthest] = 0
    is_ground = metres > 0
    level = metres * ahead
    stands = np.isin(ids, classes.standing)
    for row in range(len(ids) - 2, -1, -1):
        below = row + 1
        follows = is_ground[below] | (ids[row] == ids[below])
        known = stands[row] & follows & (level[below] > 0)
        level[row, known] = level[below, known]
        metres[row, known] = level[row, known] / ahead[row, known]
    return metres


def rays(size: tuple[int, int], pose: Pose) -> np.ndarray:
    """(3, H, W): right, down and ahead on the level, of one unit of depth along the axis."""
    height, width = size
    v, u = np.mgrid[:height, :width] + 0.5
    rays = np.stack([(u - width / 2) / pose.focal, (v - height / 2) / pose.focal, np.ones(size)])
    return np.tensordot(turn(pose.mount).T, rays, axes=1)


def ground_classes(
    ground: Sequence[tuple[str, float]], standing: Sequence[str], domain: Domain
) -> Classes:
    """Ids of classes that are named, see `GroundDepth`.

    Raises:
        DomainError: how the camera stands is unknown.
        UserError: the domain has no such class, it lies above the camera, or it is both.
    """
    known = domain.label_space.classes

    def number(name: str, option: str) -> int:
        if name not in known:
            raise UserError(f"{option} {name}: {domain.path} has {', '.join(known)}")
        return known.index(name)

    if len({name for name, _ in ground}) < len(ground):
        raise UserError(f"--ground {', '.join(name for name, _ in ground)}: a class comes twice")
    flat = {number(name, "--ground"): raised for name, raised in ground}
    upright = tuple(number(name, "--standing") for name in standing)
    for name, raised in ground:
        if not -math.inf < raised < known_mount(domain).height:
            raise UserError(f"--ground {name}={raised:g}: is no height below the camera's")
    if both := [known[each] for each in upright if each in flat]:
        raise UserError(f"--standing {both[0]}: is ground already")
    return Classes(flat, upright)


def one_focal(domain: Domain) -> float | None:
    """The mean focal length of images; None where they differ by more than a hundredth, or one is
    not known."""
    focals = [domain.focal(index) for index in range(len(domain))]
    alike = None not in focals and max(focals) <= 1.01 * min(focals)
    return float(np.mean(focals)) if alike else None


def _checked(folder: Path, domain: Domain) -> Predictions:
    """Predictions that hold elsewhere."""
    found = open_predictions(folder)
    if found.task != "depth":
        raise MismatchError(f"{folder / INDEX}: predicts {found.task}, not depth")
    if identity(found.info["domain"]) != identity(domain.to_dict()):
        raise MismatchError(f"{folder / INDEX}: is of another domain than {domain.path}")
    if identity(found.view) != ViewPlan().to_dict():
        raise MismatchError(f"{folder / INDEX}: is not of whole images; predict without a --resize")
    return found


def _focal_ratio(domain: Domain, elsewhere: Predictions) -> float:
    """What brings depth that was learnt under another focal length to that of these images."""
    learnt = elsewhere.method.get("training_focal")
    return 1.0 if learnt is None else domain.focal(0) / learnt


def _header(
    config: GroundDepth, domain: Domain, elsewhere: Predictions | None, task: Task
) -> dict[str, Any]:
    """What predictions.json says, see `atdt.decode.header`."""
    method: dict[str, Any] = {
        "kind": "ground",
        "ground": dict(config.ground),
        "standing": list(config.standing),
        "farthest": config.farthest,
        "training_focal": one_focal(domain),
    }
    if elsewhere is None:
        return header_of_labels(task, domain, method)
    return header_of_labels(
        task,
        domain,
        method | {"elsewhere": elsewhere.method},
        mismatch=elsewhere.mismatch,
        computed={"from": sha256_file(elsewhere.folder / INDEX)},
    )
