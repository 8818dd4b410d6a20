"""Runs of networks that were trained elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atdt.devices import pick_device
from atdt.digests import sha256_file
from atdt.domains import LabelSpace, label_space
from atdt.errors import NetworkError
from atdt.hold import exclusive
from atdt.networks import NetworkSpec, build_network
from atdt.networks.weights import read_weights
from atdt.runs import create_run
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.texts import read_toml
from atdt.training.best import finite_or_none
from atdt.training.load import KIND, network_keys
from atdt.training.sources import open_sources
from atdt.training.validate import Validation
from atdt.training.weights import matched

Triple = tuple[float, float, float]
Say = Callable[[str], Any]


@dataclass(frozen=True)
class NetworkImport:
    """A network trained elsewhere, and what is needed to use and to judge it.

    Attributes:
        network: its architecture; a "package.module:function" is imported, which runs its code.
        weights: a .safetensors file, or a .pth file of plain tensors.
        task: what it was trained for.
        label_space: name or .toml file of the label space of its outputs.
        preprocessing: a .toml file with `mean` and `std`, three numbers each, for RGB in [0, 1].
        out: folder of the run.
        domain: spec of labelled images to score it on.
        unscored: accept it without a score; excludes `domain`.
        images: how many of them, spread over the list.
        minimum_score: refuse the network where its headline is worse than this (below it where
            higher is better, above it where lower is).
        training_focal: focal length, in pixels, of the images that it was trained on, if known.
        resize: (height, width) that these images and labels are brought to.
        device: see `atdt.devices`.
        resume: where `out` was cut off, do it again; where it is finished, leave it.
        overwrite: replace what is in `out`.
    """

    network: NetworkSpec
    weights: Path
    task: str
    label_space: str
    preprocessing: Path
    out: Path
    domain: str | None = None
    unscored: bool = False
    images: int = 16
    minimum_score: float | None = None
    training_focal: float | None = None
    resize: tuple[int, int] | None = None
    device: str = "auto"
    resume: bool = False
    overwrite: bool = False


def import_network(config: NetworkImport, say: Say = lambda line: None) -> Path:
    """Make a run of a network that was trained elsewhere.

    Its weights must have the keys and shapes of the network, all of them: named as in the network
    (`stages.0.…`, `decoder.…`) or, for a network that was cut from a module, as in that module.
    Nothing is unpickled but plain tensors.

    Args:
        say: called with each line that a user should see before the network is accepted.

    Returns:
        the folder of the run; "imported" in its run.json has the file's sha256 and the scores.

    Raises:
        NetworkError: a file cannot be used, keys or shapes differ, or the score is too bad.
        UserError: the task, the label space or the domain cannot be used.
    """
    if config.images < 1:
        raise NetworkError(f"--images {config.images}: must be ≥ 1")
    if config.unscored == (config.domain is not None):
        raise NetworkError("give --domain SPEC with labelled images to score it on, or --unscored")
    if config.minimum_score is not None and config.domain is None:
        raise NetworkError("--minimum-score needs --domain SPEC with labelled images")
    task, space = get_task(config.task), label_space(config.label_space)
    device = pick_device(config.device)
    mean, std = read_preprocessing(config.preprocessing)
    tensors, sha256 = read_weights(config.weights), sha256_file(config.weights)
    network = build_network(config.network, task.channels(space), seed=0, allow_import=True)
    network.mean, network.std = mean, std
    network.to(device)
    tensors = matched(network, tensors, config.weights)
    examples = None if config.domain is None else _examples(config, task, space)
    say(f"weights {config.weights}, sha256 {sha256}")
    imported: dict[str, Any] = {"weights": str(config.weights), "weights_sha256": sha256}
    if examples is not None:
        imported |= {
            "domain": config.domain,
            "images": config.images,
            "scores_of_fresh_weights": finite_or_none(examples.scores(network, device)),
        }
    network.load_state_dict(tensors)
    scores: dict[str, float] = {}
    if examples is not None:
        found = finite_or_none(examples.scores(network, device))
        scores = {task.headline: found[task.headline]}
        imported["scores"] = found
        say(_score_line(config, task, imported))
        _judge(config, task, imported)
    described = imported | {
        "network": config.network.to_dict(),
        "preprocessing": {"mean": mean, "std": std},
        "task": task.name,
        "label_space": config.label_space,
    }
    with exclusive(config.out):
        run = create_run(
            config.out, KIND, described, overwrite=config.overwrite, resume=config.resume
        )
        if not run.complete:
            run.finish(
                network.state_dict(),
                **network_keys(network, config.network, task, space),
                training_size=None,
                training_focal=config.training_focal,
                scores=scores,
                imported=imported,
            )
    return run.path


def read_preprocessing(path: Path) -> tuple[Triple, Triple]:
    """`mean` and `std` of a .toml file: RGB in [0, 1] becomes (RGB − mean) / std.

    Raises:
        NetworkError: the file is absent, or a value is not three finite numbers (std above 0).
    """
    try:
        values = read_toml(path)
    except FileNotFoundError:
        raise NetworkError(f"{path}: no such file; write mean = [..] and std = [..]") from None
    except ValueError as error:
        raise NetworkError(f"{path}: not valid TOML ({error})") from None
    for key in ("mean", "std"):
        value = values.get(key)
        if not (
            isinstance(value, list)
            and len(value) == 3
            and all(isinstance(v, int | float) and abs(v) < 1e9 for v in value)
            and (key == "mean" or min(value) > 0)
        ):
            raise NetworkError(f"{path}: {key} = {value!r}: give three numbers for RGB in [0, 1]")
    return tuple(map(float, values["mean"])), tuple(map(float, values["std"]))


def _examples(config: NetworkImport, task: Task, space: LabelSpace) -> Validation:
    """The labelled images that the network is scored on, spread evenly over the list."""
    source = open_sources(task, [config.domain])[0]
    if task.label == "semantic" and source.domain.label_space.classes != space.classes:
        raise NetworkError(
            f"{config.domain}: label space {source.domain.label_space.name!r}, but the network is "
            f"for {space.name!r}; give --label-space {source.domain.label_space.name}"
        )
    count = min(config.images, len(source.domain))
    images = np.linspace(0, len(source.domain) - 1, count).round().astype(int).tolist()
    return Validation(task, space, source, resize=config.resize, images=images)


def _score_line(config: NetworkImport, task: Task, imported: dict[str, Any]) -> str:
    score, fresh = (
        "none" if scores[task.headline] is None else f"{scores[task.headline]:.4f}"
        for scores in (imported["scores"], imported["scores_of_fresh_weights"])
    )
    return (
        f"{task.headline} {score} on {config.images} images of {config.domain}; the same network "
        f"with fresh weights has {fresh}"
    )


def _judge(config: NetworkImport, task: Task, imported: dict[str, Any]) -> None:
    """Refuse a network that puts out no numbers, or is worse than the user accepts."""
    bound, score = config.minimum_score, imported["scores"][task.headline]
    if score is None:
        raise NetworkError(f"{config.weights}: its outputs on {config.domain} are not finite")
    if bound is not None and (score < bound if task.higher_is_better else score > bound):
        raise NetworkError(
            f"{config.weights}: {task.headline} {score:.4f} on {config.domain}, worse than the "
            f"{bound} that --minimum-score asks for; are --preprocessing and --label-space the "
            "ones that it was trained with?"
        )
