"""`atdt data describe`: make a domain of a data set where it lies; nothing of it is copied."""

from dataclasses import dataclass
from pathlib import Path

import tomli_w

from atdt.domains.datasets.find import find
from atdt.domains.datasets.layout import layout
from atdt.domains.description import FILE_NAME, description_of
from atdt.errors import DomainError
from atdt.files import write_atomic


@dataclass(frozen=True)
class Describing:
    """Which data set, and where its description goes.

    Attributes:
        dataset: its name.
        root: its folder.
        out: a folder for `domain.toml` and a list for each split.
        name: of the domain; None: the data set's.
        labels: how to read semantic labels; None: the first way.
        overwrite: replace files that are there.
    """

    dataset: str
    root: Path
    out: Path
    name: str | None = None
    labels: str | None = None
    overwrite: bool = False


def describe(config: Describing) -> Path:
    """Write a description and lists of a data set.

    Returns:
        the description file.

    Raises:
        DomainError: the folder does not hold the data set, or a file would be replaced.
    """
    made = find(layout(config.dataset), config.root, config.labels)
    path = config.out / FILE_NAME
    content = made.description(config.name or config.dataset, str(config.root.resolve()))
    texts = {config.out / f"{split}.txt": made.lines(split) for split in made.splits}
    there = [str(file) for file in (*texts, path) if file.exists()]
    if there and not config.overwrite:
        raise DomainError(f"{there[0]}: is there already; --overwrite replaces it")
    description_of(path, content)
    for file, text in texts.items():
        write_atomic(file, text.encode())
    return write_atomic(
        path, (_heading(config, made.layout.source) + tomli_w.dumps(content)).encode()
    )


def _heading(config: Describing, source: str) -> str:
    labels = f" --labels {config.labels}" if config.labels else ""
    return f"# atdt data describe {config.dataset}{labels}; layout: {source}\n"
