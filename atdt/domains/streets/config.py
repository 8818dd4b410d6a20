"""What to render: pairs, knobs, splits, and the frozen version of the generator."""

from dataclasses import dataclass, replace
from pathlib import Path

from atdt.errors import DomainError

VERSION = "1"
KNOBS = ("appearance", "camera", "layout", "shapes")
DOMAINS = ("a", "b")
SPLITS = ("train", "val", "test")
SPLIT_SPAN = 1_000_000  # a split's indices are [span·k, span·(k+1)), so splits never share a scene


@dataclass(frozen=True)
class Style:
    """One choice for each knob; the names are keys of the tables in the modules they belong to."""

    appearance: str
    camera: str
    layout: str
    shapes: str


# A pair's place here is part of its frames' keys: new ones go last.
PAIRS: dict[str, dict[str, Style]] = {
    "streets": {
        "a": Style("plain", "low", "suburb", "jointed"),
        "b": Style("daylight", "high", "city", "walking"),
    },
    "streets-held-out": {
        "a": Style("plain-pale", "mid", "village", "coated"),
        "b": Style("dusk-rain", "roof", "boulevard", "umbrella"),
    },
    "streets-held-out-2": {
        "a": Style("plain-brick", "dash", "terraces", "summer"),
        "b": Style("winter-sun", "van", "tramway", "winter"),
    },
}


def style_of(pair: str, domain: str, knobs: tuple[str, ...] = KNOBS) -> Style:
    """The style of a domain: A's, with B's choices for the knobs that are turned on.

    Domain "a" never changes; domain "b" with no knob has A's style, but scenes of its own.
    """
    styles = PAIRS[pair]
    if domain == "a":
        return styles["a"]
    return replace(styles["a"], **{knob: getattr(styles["b"], knob) for knob in knobs})


@dataclass(frozen=True)
class RenderConfig:
    """What `render` makes.

    Attributes:
        out: the folder to write into.
        pair: a key of `PAIRS`.
        train, val, test: images a split and domain; a split of 0 images is left out.
        size: (height, width) in pixels, both at least 8.
        seed: another seed gives other scenes of the same distribution.
        knobs: the parts of the gap between A and B that are turned on, out of `KNOBS`.
        right: also render the right image of each stereo pair.
        workers: processes; None takes one a core, or this one for a few frames. Changes nothing
            in the files.

    Raises:
        DomainError: a value that cannot be rendered.
    """

    out: Path
    pair: str = "streets"
    train: int = 600
    val: int = 100
    test: int = 150
    size: tuple[int, int] = (96, 192)
    seed: int = 0
    knobs: tuple[str, ...] = KNOBS
    right: bool = True
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.pair not in PAIRS:
            raise DomainError(f"pair {self.pair!r}: choose one of {', '.join(PAIRS)}")
        unknown = [knob for knob in self.knobs if knob not in KNOBS]
        if unknown:
            raise DomainError(f"gap {unknown[0]!r}: choose from {', '.join(KNOBS)}")
        for split, count in self.counts().items():
            if not 0 <= count <= SPLIT_SPAN:
                raise DomainError(f"{split} = {count}: give a number in 0..{SPLIT_SPAN}")
        if not any(self.counts().values()):
            raise DomainError("train, val and test are all 0: nothing to render")
        if min(self.size) < 8:
            raise DomainError(f"size {self.size[0]}x{self.size[1]}: both sides must be at least 8")
        if self.seed < 0:
            raise DomainError(f"seed {self.seed}: give a number that is not negative")
        if self.workers is not None and self.workers < 1:
            raise DomainError(f"workers {self.workers}: give at least 1")

    def counts(self) -> dict[str, int]:
        """Images of each split."""
        return {"train": self.train, "val": self.val, "test": self.test}

    def to_dict(self) -> dict:
        """What decides the pixels, for `streets.json`; not the folder, not the workers."""
        return {
            "version": VERSION,
            "pair": self.pair,
            "seed": self.seed,
            "size": list(self.size),
            "counts": self.counts(),
            "knobs": [knob for knob in KNOBS if knob in self.knobs],
            "right": self.right,
        }
