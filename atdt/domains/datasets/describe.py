"""`atdt data describe`: make a domain of a data set where it lies; nothing of it is copied."""

from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import tomli_w

from atdt.domains.datasets.find import Found, find
from atdt.domains.datasets.layout import layout
from atdt.domains.description import FILE_NAME, FOCAL_KEYS, description_of
from atdt.errors import DomainError
from atdt.files import write_atomic

MISSING = "# missing: "


@dataclass(frozen=True)
class Describing:
    """Which data set, and where its description goes.

    Attributes:
        dataset: its name.
        root: its folder.
        out: a folder for `domain.toml` and a list for each split.
        name: of the domain; None: the data set's.
        labels: how to read semantic labels; None: the first way.
        focal: pixels at the images' native size, where the data set does not say it.
        fov: degrees that the image's width sees, in place of `focal`.
        overwrite: replace files that are there.
    """

    dataset: str
    root: Path
    out: Path
    name: str | None = None
    labels: str | None = None
    focal: float | None = None
    fov: float | None = None
    overwrite: bool = False


def describe(config: Describing) -> Path:
    """Write a description and lists of a data set.

    Returns:
        the description file.

    Raises:
        DomainError: the folder does not hold the data set, a focal length is given that cannot be
            or that its camera files say, or a file would be replaced.
    """
    made = find(layout(config.dataset), config.root, config.labels)
    path = config.out / FILE_NAME
    content = made.description(config.name or config.dataset, str(config.root.resolve()))
    content = _with_camera(content, config)
    texts = {config.out / f"{split}.txt": made.lines(split) for split in made.splits}
    there = [str(file) for file in (*texts, path) if file.exists()]
    if there and not config.overwrite:
        raise DomainError(f"{there[0]}: is there already; --overwrite replaces it")
    description_of(path, content)
    for file, text in texts.items():
        write_atomic(file, text.encode())
    return write_atomic(path, (_heading(config, made) + tomli_w.dumps(content)).encode())


def missing_of(path: Path) -> list[str]:
    """What a description says that its data set had not when it was made, a line each."""
    heading = takewhile(lambda line: line.startswith("#"), path.read_text().splitlines())
    return [line.removeprefix(MISSING) for line in heading if line.startswith(MISSING)]


def _with_camera(content: dict[str, Any], config: Describing) -> dict[str, Any]:
    """The description with the focal length that was given, in place of the layout's."""
    given = {k: v for k in ("focal", "fov") if (v := getattr(config, k)) is not None}
    if not given:
        return content
    if "camera" in content["columns"]:
        raise DomainError(
            f"{next(iter(given))}: {config.dataset} has a camera file for each image, which says it"
        )
    return {key: value for key, value in content.items() if key not in FOCAL_KEYS} | given


def _heading(config: Describing, made: Found) -> str:
    labels = f" --labels {config.labels}" if config.labels else ""
    lines = [f"# atdt data describe {config.dataset}{labels}; layout: {made.layout.source}"]
    lines += [MISSING + line for line in (*made.absent(), *made.gaps().values())]
    return "".join(f"{line}\n" for line in lines)
