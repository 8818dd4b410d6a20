"""What an experiment is told: the sizes of its splits, the networks and the schedules.

Every row of a table is trained under the one preset: nothing is tuned for a row alone. A preset is
a small TOML file that names what differs from `Preset`.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atdt.errors import UserError
from atdt.experiments.known_depth import KINDS as KNOWN_DEPTH
from atdt.experiments.matched_camera import KINDS as CAMERAS
from atdt.experiments.preset_values import (
    AMOUNT,
    COUNT,
    NUMBER,
    SIZE,
    TEXT,
    count,
    heights,
    losses,
    network,
    one_of,
    or_none,
    words,
    yes_or_no,
)
from atdt.experiments.restyled import KINDS as COLOURS
from atdt.merge import WAYS
from atdt.networks import NetworkSpec
from atdt.texts import read_toml
from atdt.training import Teaching

BUILT_IN = Path(__file__).parent / "presets"
AUTO = "auto"
EDGES = ("none", "own", "shared")
# Rows, by their own names.
MERGEABLE = ("atdt", "atdt-mse", "head", "two-decoders", "baseline", "batch-norm")


@dataclass(frozen=True)
class Student:
    """How students of predictions learn; all else is as for every task network.

    Attributes:
        teaching: see `atdt.training.config`; plain, it is rival (v)'s.
        rounds: of students.
    """

    teaching: Teaching = field(default_factory=Teaching)
    rounds: int = 1


@dataclass(frozen=True)
class Preset:
    """The settings that all rows of an experiment share.

    Attributes:
        size: (height, width) of images that are rendered.
        train, val, test: images a split and domain that are rendered.
        resize: (height, width) that all images are brought to first; None where they agree.
        crop: (height, width) that trainings and stores cut from them; None for whole images.
        network: architecture of every task network.
        steps: optimiser steps of a task network, however many images it learns from.
        source_steps: the same of N1 and of the rival (i); None: as the others, which is what rivals
            can be held against.
        batch, learning_rate: of the task networks.
        precision: of every training; "auto": what an experiment settles, see
            `atdt.experiments.precision`.
        views: views of each image in a store, the plain one included.
        photometric: of task networks and stores alike, see `atdt.domains.views`.
        flip: mirror half of the draws of task networks, and of the drawn views in stores.
        stretch: of what rises above the camera, likewise, see `atdt.domains.views`.
        architecture, width: of G, and of the head that is its rival.
        losses: of G, name → weight, see `atdt.transfer`; the paper's MSE has a row of its own.
            These two, D2's output matched and its task learnt through it, were the best of six
            mixtures on the development pair with seed 100, which no table uses.
        transfer_steps, transfer_batch, transfer_learning_rate: of G, and of the head.
        cyclegan_steps, cyclegan_width, cyclegan_blocks, cyclegan_crop: of the CycleGAN of tables 3
            and 4; published are 200 passes, 64 channels, 9 blocks and crops of 256×256.
        known_depth: of B where depth is T1: "exact" as rendered, "stereo" by matching pairs with a
            left-right check, which is what a user has, or "sparse" as a lidar's.
        camera: that A is brought under before anything learns from it: its "own", B's by "matched"
            pitch and focal length, "matched-height", where A's depth is scaled too, or
            "matched-stretch", where what lies below the camera is stretched instead.
        colours: that A has before anything learns from it: its "own", or those of B's images by
            "moments" or "histogram".
        student: how students of predictions learn, where there are any. As it is, the student of
            the baseline is rival (v).
        merged: rows whose predictions are merged where there are students, two or more.
        merge: how, see `atdt.merge`: by the "mean"; by "softmax", the last of two trusted for rare
            classes; or by weights "learnt" on A's validation.
        ground: classes that lie flat → metres above the road, whose depth follows from the camera
            where labels of semantics are transferred to depth; none where it is unknown.
        standing: classes that stand on it.
        label_steps, label_width: of the network that transfers labels.
        label_stretch: as `stretch`, of labels alone, which look no worse for it.
        block: neighbouring test images that the bootstrap draws together; more than 1 for video.
        edges: an auxiliary edge task on A's and B's images, of every task network: "none", "own"
            decoders, or "shared": N2 learns under the edge decoder of N1, which is frozen.
        edges_weight: of its loss.
        norm_discrepancy: weight of it between A and B, in every task network; 0: none.
        feature_noise, mixup: in trainings of G and the head, see `atdt.transfer`; a head and a G
            that learns from labels alone have no mixtures, what is solved for has neither.
        consistency_weight: of the loss on B by its labels of T1, where a table has it.
    """

    size: tuple[int, int] = (96, 192)
    train: int = 480
    val: int = 64
    test: int = 128
    resize: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    network: NetworkSpec = field(default_factory=lambda: NetworkSpec("tiny", {}))
    steps: int = 700
    source_steps: int | None = None
    batch: int = 8
    learning_rate: float = 1e-3
    precision: str = AUTO
    views: int = 6
    photometric: str = "paper"
    flip: bool = False
    stretch: float = 1.0
    architecture: str = "bottleneck"
    width: int = 128
    losses: tuple[tuple[str, float], ...] = (("match-l1", 1.0), ("task", 1.0))
    transfer_steps: int = 1000
    transfer_batch: int = 16
    transfer_learning_rate: float = 1e-3
    cyclegan_steps: int = 2000
    cyclegan_width: int = 16
    cyclegan_blocks: int = 6
    cyclegan_crop: tuple[int, int] | None = None
    known_depth: str = "exact"
    camera: str = "own"
    colours: str = "own"
    student: Student = field(default_factory=Student)
    merged: tuple[str, ...] = ("atdt", "baseline")
    merge: str = "mean"
    ground: tuple[tuple[str, float], ...] = ()
    standing: tuple[str, ...] = ()
    label_steps: int = 2000
    label_width: int = 24
    label_stretch: float = 1.0
    block: int = 1
    edges: str = "none"
    edges_weight: float = 1.0
    norm_discrepancy: float = 0.0
    feature_noise: float = 0.0
    mixup: float = 0.0
    consistency_weight: float = 0.01


def load_preset(name_or_path: str | Path, overrides: Mapping[str, str] | None = None) -> Preset:
    """A preset by name ("demo", "full", "paper", "smoke", "streets",
        "streets-exact") or from a TOML file.

    Args:
        name_or_path: of the preset.
        overrides: option → value as one would write it in the file; a word needs no quotes. "none"
            unsets what may be None.

    Raises:
        UserError: no such preset, an option that is unknown, or a value that cannot be used.
    """
    text = str(name_or_path)
    path = Path(text) if text.endswith(".toml") else BUILT_IN / f"{text}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in BUILT_IN.glob("*.toml")))
        raise UserError(f"preset {text!r}: known are {known}, or a path to a .toml file")
    try:
        content = read_toml(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as a preset ({error})") from None
    made = _changed(Preset(), content, str(path))
    return _changed(made, {k: _value(v) for k, v in (overrides or {}).items()}, "--set")


def _changed(preset: Preset, content: Mapping[str, Any], where: str) -> Preset:
    changes = {}
    for name, value in content.items():
        if name not in KINDS:
            raise UserError(f"{where}: unknown option {name!r}; known are {', '.join(KINDS)}")
        kind, made_of = KINDS[name]
        try:
            changes[name] = made_of(value)
        except (TypeError, ValueError, AttributeError):
            raise UserError(f"{where}: {name} = {value!r} is not {kind}") from None
    return replace(preset, **changes)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _rows(value: Any) -> tuple[str, ...]:
    rows = tuple(value)
    if isinstance(value, str) or len(rows) < 2 or not set(rows) <= set(MERGEABLE):
        raise ValueError
    if len(set(rows)) < len(rows):
        raise ValueError
    return rows


def _student(value: Any) -> Student:
    options = dict(value)
    rounds = count(options.pop("rounds", 1))
    teaching = Teaching(**options)
    teaching.check()
    return Student(teaching, rounds)


KINDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "size": SIZE,
    "train": COUNT,
    "val": COUNT,
    "test": COUNT,
    "resize": or_none(*SIZE),
    "crop": or_none(*SIZE),
    "network": ('a name, or { name = "…", option = … }', network),
    "steps": COUNT,
    "source_steps": or_none(*COUNT),
    "batch": COUNT,
    "learning_rate": NUMBER,
    "precision": TEXT,
    "views": COUNT,
    "photometric": TEXT,
    "flip": ("true or false", yes_or_no),
    "stretch": NUMBER,
    "architecture": TEXT,
    "width": COUNT,
    "losses": ("{ loss = weight, … }", losses),
    "transfer_steps": COUNT,
    "transfer_batch": COUNT,
    "transfer_learning_rate": NUMBER,
    "cyclegan_steps": COUNT,
    "cyclegan_width": COUNT,
    "cyclegan_blocks": COUNT,
    "cyclegan_crop": or_none(*SIZE),
    "known_depth": one_of(KNOWN_DEPTH),
    "camera": one_of(CAMERAS),
    "colours": one_of(COLOURS),
    "student": (
        "{ trust = …, teacher_decay = …, teacher_from = …, paste = …, rounds = … }",
        _student,
    ),
    "merged": (f"two or more of {', '.join(MERGEABLE)}, each once", _rows),
    "merge": one_of(WAYS),
    "ground": ("{ class = metres, … }", heights),
    "standing": ("[class, …]", words),
    "label_steps": COUNT,
    "label_width": COUNT,
    "label_stretch": NUMBER,
    "block": COUNT,
    "edges": one_of(EDGES),
    "edges_weight": NUMBER,
    "norm_discrepancy": AMOUNT,
    "feature_noise": AMOUNT,
    "mixup": AMOUNT,
    "consistency_weight": NUMBER,
}

DEMO, FULL, SMOKE = (load_preset(name) for name in ("demo", "full", "smoke"))
