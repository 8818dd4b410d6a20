"""What is known of a data set: a TOML file in `layouts/` for each.

title = "Cityscapes"
source = "where the layout is documented, in one line"
get = "where people get it"
note = "what a user must know"              # optional
ask = "which tags …"                        # optional: --labels must be given, for this reason
gaps = ["depth"]                            # optional: files that some images are without

[files]                                     # patterns, see `patterns`; "image" must be there
image = "leftImg8bit/{split}/{city}/{frame}_leftImg8bit.png"
depth = "disparity/{split}/{city}/{frame}_disparity.png"
camera = "camera/{split}/{city}/{frame}_camera.json"

[nearest]                                   # optional: files paired by time, see `nearest`
depth = 0.02                                # seconds between their {time}s

[splits]                                    # which images: values of fields, one or several …
train = { split = "train" }
val = { episode = ["35-39"] }               # … or ranges of whole numbers;
                                            # without = ["semantic"]: no such files, or empty ones
test = { names = "ImageSets/test.txt", field = "frame" }   # or values that a file lists;
                                            # with optional = true: no file, no such split
more = { beside = "train/{drive}" }         # or whose drive has such a folder
all = {}                                    # everything; no other two splits share an image

[counts]                                    # optional: how many images the whole data set has
train = 2975

[semantic.labelids]                         # ways to read semantic labels; the first is taken
file = "gtFine/{split}/{city}/{frame}_gtFine_labelIds.png"   # or a list: the first that is there
encoding = "ids"                            # optional
table = "cityscapes34-to-shared11"          # a label table, or
space = "voc21"                             # a label space whose ids the files hold
far = { id = 0, class = "sky", beyond = 990.0 }   # optional, as descriptions have it

[encodings]                                 # of depth and normals
depth = "disparity-cityscapes"

[bounds]                                    # metres that depth may be where there is any
depth = [0.5, 1000.0]

[camera]                                    # optional: focal, fov or baseline, as descriptions have
fov = 90.0
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from atdt.domains.encodings import check_encoding
from atdt.domains.label_table import label_table
from atdt.domains.labels import label_space
from atdt.errors import DomainError, UserError
from atdt.texts import read_toml

BUILT_IN = Path(__file__).parent / "layouts"


@dataclass(frozen=True)
class SemanticWay:
    """A way in which a data set's semantic labels can be read.

    Attributes:
        name: what --labels calls it.
        files: patterns of the label files, of which the first that is there counts.
        encoding: of them.
        table: a label table's name, or None.
        space: the name of the label space whose ids they hold, where there is no table.
        far: [far] of the description, where the depth decides.
    """

    name: str
    files: tuple[str, ...]
    encoding: str
    table: str | None
    space: str | None
    far: Mapping[str, Any] | None

    @property
    def becomes(self) -> str:
        """The label space that a reader sees."""
        return self.space or label_table(self.table or "").to.name


@dataclass(frozen=True)
class Layout:
    """A data set; see this module."""

    name: str
    title: str
    source: str
    get: str
    note: str
    ask: str
    gaps: tuple[str, ...]
    files: Mapping[str, str]
    nearest: Mapping[str, float]
    splits: Mapping[str, Mapping[str, Any]]
    counts: Mapping[str, int]
    ways: Mapping[str, SemanticWay]
    encodings: Mapping[str, str]
    bounds: tuple[float, float]
    camera: Mapping[str, float]

    def way(self, labels: str | None) -> SemanticWay | None:
        """The way that --labels names, or the first; None: no semantic labels.

        Raises:
            DomainError: there is no such way, or one must be named.
        """
        if labels is None and not self.ask:
            return next(iter(self.ways.values()), None)
        if labels not in self.ways:
            problem = self.ask if labels is None else f"{self.name} has no labels {labels!r}"
            raise DomainError(f"{problem}; --labels is one of {', '.join(self.ways) or 'none'}")
        return self.ways[labels]


def layout(name: str) -> Layout:
    """The data set that is called so.

    Raises:
        DomainError: there is none.
    """
    if name not in layout_names():
        raise DomainError(f"data set {name!r}: known are {', '.join(layout_names())}")
    path = BUILT_IN / f"{name}.toml"
    try:
        return _layout(name, read_toml(path))
    except UserError as error:
        raise DomainError(f"{path}: {error}") from None


@cache
def layout_names() -> tuple[str, ...]:
    """Names that `layout` knows."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def _layout(name: str, content: dict[str, Any]) -> Layout:
    encodings = content.get("encodings", {})
    for kind, encoding in encodings.items():
        check_encoding(kind, encoding)
    return Layout(
        name=name,
        title=content["title"],
        source=content["source"],
        get=content["get"],
        note=content.get("note", ""),
        ask=content.get("ask", ""),
        gaps=tuple(content.get("gaps", ())),
        files=content["files"],
        nearest=content.get("nearest", {}),
        splits=content["splits"],
        counts=content.get("counts", {}),
        ways={key: _way(key, way) for key, way in content.get("semantic", {}).items()},
        encodings=encodings,
        bounds=tuple(content.get("bounds", {}).get("depth", (0.0, float("inf")))),
        camera=content.get("camera", {}),
    )


def _way(name: str, content: dict[str, Any]) -> SemanticWay:
    table, space = content.get("table"), content.get("space")
    if (table is None) == (space is None):
        raise DomainError(f"[semantic.{name}]: either table or space")
    if space is not None:
        label_space(space)
    else:
        label_table(table)
    encoding = check_encoding("semantic", content.get("encoding", "ids"))
    files = content["file"]
    files = (files,) if isinstance(files, str) else tuple(files)
    return SemanticWay(name, files, encoding, table, space, content.get("far"))
