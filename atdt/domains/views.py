"""Views: cuts and colours of an image, drawn from the seed, its name and the view alone."""

import hashlib
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from atdt.domains.cameras import Pose
from atdt.domains.photometric import DRAWS, colour_ranges
from atdt.domains.view import Size, View
from atdt.errors import DomainError
from atdt.later import LATER, said

MOST_STRETCHED = 10.0


@dataclass(frozen=True)
class ViewPlan:
    """How views are drawn. The whole image is resized, then cropped or padded, then flipped.

    View 0 is plain: centre crop, no flip, no photometric draw. The others are drawn.

    Attributes:
        views: how many views of each image, view 0 counted.
        seed: of all draws.
        crop: (height, width) to cut.
        resize: (height, width) to bring the whole image to, whatever its aspect ratio.
        pad: (height, width) to fill up to with zeros on all sides. With `crop` it must be the same
            size: larger images are cropped, smaller ones padded.
        flip: mirror every second drawn view, on average.
        photometric: "none"; "paper": with probability 0.5 gamma 0.8–1.2, brightness 0.5–2, channel
            gains 0.8–1.2 (AT/DT's released code); "strong": always, gamma 0.7–1.4, brightness
            0.5–2.2, gains 0.7–1.3, contrast 0.7–1.4, saturation 0.2–1.6 (see `ColourDraw`); "d4":
            always, brightness, contrast and saturation 0.5–1.5, any hue (D4's released code, see
            `JitterDraw`).
        stretch: what rises above the camera is, in drawn views, that many times as high at most,
            or as low; 1: as it is. Depth, and whatever lies below, stays, so that apparent height
            tells less of distance than where a thing stands. Needs to know how cameras stand.

    Raises:
        DomainError: a value that cannot be used.
    """

    views: int = 1
    seed: int = 0
    crop: Size | None = None
    resize: Size | None = None
    pad: Size | None = None
    flip: bool = False
    photometric: str = "none"
    stretch: float = field(default=1.0, metadata=LATER)

    def __post_init__(self) -> None:
        if self.views < 1:
            raise DomainError(f"views {self.views}: at least 1, the plain image, is needed")
        for option in ("crop", "resize", "pad"):
            size = getattr(self, option)
            if size is not None and (len(size) != 2 or min(size) < 1):
                raise DomainError(f"{option} {size}: write height and width, at least 1 each")
        if self.crop and self.pad and self.crop != self.pad:
            raise DomainError(
                f"crop {_text(self.crop)} and pad {_text(self.pad)}: together they must be the same"
            )
        colour_ranges(self.photometric)
        if not 1 <= self.stretch <= MOST_STRETCHED:
            raise DomainError(f"stretch {self.stretch}: write 1 to {MOST_STRETCHED:g}")

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON can hold it."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in said(self).items()
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "ViewPlan":
        """What `to_dict` made.

        Raises:
            DomainError: unknown keys, or values that cannot be used.
        """
        known = {field.name for field in fields(cls)}
        if unknown := set(content) - known:
            raise DomainError(f"a plan of views has no {', '.join(sorted(unknown))}")
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
        return cls(**values)

    def plain(self) -> "ViewPlan":
        """The plan of view 0 alone: the same for plans whose plain views are the same."""
        return replace(self, views=1, seed=0, flip=False, photometric="none", stretch=1.0)

    def out_size(self, size: Size) -> Size:
        """(height, width) of every view of an image of this size.

        Raises:
            DomainError: the image cannot be cut so; names size and option.
        """
        resized = self.resize or size
        for axis in (0, 1):
            if self.crop and not self.pad and self.crop[axis] > resized[axis]:
                raise DomainError(
                    f"image of {self._described(size)} is smaller than crop {_text(self.crop)}; "
                    "use --resize or --pad"
                )
            if self.pad and not self.crop and self.pad[axis] < resized[axis]:
                raise DomainError(
                    f"image of {self._described(size)} is larger than pad {_text(self.pad)}; "
                    "use --resize or --crop"
                )
        return self.crop or self.pad or resized

    def draw(self, name: str, view: int, size: Size, pose: Pose | None = None) -> View:
        """The view number `view` of an image; depends on nothing but the plan and these.

        Args:
            name: of the image, as the list has it.
            view: from 0; numbers from `views` upwards can be drawn too.
            size: (height, width) of the image.
            pose: of its camera; whoever cuts the pixels of stretched views must give it.

        Raises:
            DomainError: the image cannot be cut so; names image, size and option.
        """
        if view < 0:
            raise ValueError(f"view {view} is below 0")
        try:
            out = self.out_size(size)
        except DomainError as error:
            raise DomainError(f"{name}: {error}") from None
        resized = self.resize or size
        spare = resized[0] - out[0], resized[1] - out[1]  # below 0 where zeros are padded
        if view == 0:
            offset = _centred(spare[0]), _centred(spare[1])
            return View(native=size, resized=resized, offset=offset, out=out)
        # Every draw has numbers of its own, so that no option moves what another one draws.
        down, across, mirror, *others = _uniform(self.seed, name, view, 4 + DRAWS)
        *colours, height = others
        return View(
            native=size,
            resized=resized,
            offset=(_placed(spare[0], down), _placed(spare[1], across)),
            out=out,
            flip=self.flip and mirror < 0.5,
            colours=colour_ranges(self.photometric).draw(colours),
            rise=self.stretch ** (2 * height - 1),
            pose=pose,
        )

    def _described(self, size: Size) -> str:
        return _text(size) + (f", resized to {_text(self.resize)}," if self.resize else "")


def _uniform(seed: int, name: str, view: int, count: int) -> list[float]:
    """Numbers in [0, 1), straight from a hash: the same with every version of every library."""
    key = f"{seed}:{view}:{name}".encode("utf-8", "surrogateescape")
    words = np.frombuffer(hashlib.shake_256(key).digest(8 * count), "<u8")
    return ((words >> np.uint64(11)) * 2.0**-53).tolist()


def _centred(spare: int) -> int:
    """Offset of a centre crop or, where nothing is spare, of centre padding."""
    return spare // 2 if spare >= 0 else -(-spare // 2)


def _placed(spare: int, uniform: float) -> int:
    """Offset of a crop that may lie anywhere, the last place included; padding is centred."""
    return int(uniform * (spare + 1)) if spare >= 0 else _centred(spare)


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
