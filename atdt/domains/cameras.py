"""Camera files: the focal length and, of a stereo pair, the baseline.

Which of these a file is, its name and its content say:
    .json   {"focal": pixels, "baseline": metres}, the baseline optional; or Cityscapes' own,
            {"intrinsic": {"fx": …}, "extrinsic": {"baseline": …}}
    .txt    KITTI's, with lines "P_rect_02: 12 numbers" (2015, raw) or "P2: 12 numbers" (2012),
            of the left colour camera, and "P_rect_03" or "P3" of the right one; or the nine
            numbers of a matrix of intrinsics (SUN RGB-D)
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from atdt.errors import DomainError, UserError
from atdt.texts import read_bounded, read_json

LONGEST_FOCAL = 1e9  # pixels: beyond it are mistakes
LONGEST_BASELINE = 1e3  # metres
HIGHEST_MOUNT = 1e3  # metres
MOST_OFF_CENTRE = 0.1  # of the width; of the data sets that are known it is 0.04 at most
STEEPEST = 60.0  # degrees: beyond it little of a road is seen
KITTI_PAIRS = (("P_rect_02", "P_rect_03"), ("P2", "P3"), ("P0", "P1"))  # colour, colour, grey


@dataclass(frozen=True)
class Camera:
    """What is known of the camera, or the stereo pair, that took an image.

    Attributes:
        focal: horizontal focal length in pixels of the image as it is on disk; None: unknown.
        baseline: metres between the cameras of a stereo pair; None: unknown, or no pair.
        centre: column of the principal point, in the same pixels; None: unknown. It only tells
            whether an image may have been resized since.
    """

    focal: float | None = None
    baseline: float | None = None
    centre: float | None = field(default=None, compare=False)

    def doubt_of_width(self, width: int) -> str | None:
        """What speaks against an image of this width being as wide as its camera file has it."""
        if self.centre is None or abs(self.centre / width - 0.5) <= MOST_OFF_CENTRE:
            return None
        return (
            f"the camera's centre is at column {self.centre:g}, the image is {width} wide: was it "
            f"resized or cropped, and the focal length ({self.focal:g}) not?"
        )

    def stereo(self) -> float:
        """focal × baseline in pixels · metres: what depth × disparity is.

        Raises:
            DomainError: one of them is unknown.
        """
        for name, value in (("focal length", self.focal), ("baseline", self.baseline)):
            if value is None:
                raise DomainError(
                    f"the {name} is unknown, which turns disparity into depth: write `focal` and "
                    "`baseline` into the description, or list camera files that hold both"
                )
        return self.focal * self.baseline


@dataclass(frozen=True)
class Mount:
    """How the camera of a domain stands above the road.

    Attributes:
        height: metres.
        pitch: degrees, positive looks down.
        roll: degrees, positive leans to the right.
    """

    height: float
    pitch: float = 0.0
    roll: float = 0.0

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "Mount":
        """From [mount] of a description.

        Raises:
            DomainError: a key is unknown, or a value makes no sense.
        """
        known = [field.name for field in fields(cls)]
        if unknown := [key for key in table if key not in known]:
            raise DomainError(f"unknown key {unknown[0]!r}; known are {', '.join(known)}")
        height = positive(table.get("height"), "height", HIGHEST_MOUNT, "metres")
        angles = {key: table.get(key, 0.0) for key in ("pitch", "roll")}
        for key, value in angles.items():
            if type(value) not in (int, float) or not -STEEPEST < value < STEEPEST:
                raise DomainError(f"{key} = {value!r} is no number of degrees within ±{STEEPEST:g}")
        return cls(height, **{key: float(value) for key, value in angles.items()})


@dataclass(frozen=True)
class Pose:
    """A camera above the road.

    Attributes:
        focal: pixels of the image as it is on disk.
        mount: how it stands.
    """

    focal: float
    mount: Mount


def read_camera(path: Path) -> Camera:
    """Read a camera file of one of the kinds that this module names.

    Raises:
        DomainError: it is absent or of none of these kinds, or a number makes no sense; names it.
    """
    try:
        if path.suffix == ".json":
            return _from_json(read_json(path))
        if path.suffix == ".txt":
            return _from_text(read_bounded(path).decode())
    except FileNotFoundError:
        raise DomainError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DomainError(f"{path}: cannot be read as a camera ({error})") from None
    except UserError as error:
        raise DomainError(_named(path, str(error))) from None
    raise DomainError(f"{path}: a camera file ends in .json or .txt")


def focal_of(degrees: float, width: int) -> float:
    """Focal length in pixels of `width` pixels that see an angle of `degrees` (CARLA's `fov`)."""
    return width / (2 * math.tan(math.radians(degrees) / 2))


def positive(value: Any, what: str, limit: float, unit: str) -> float:
    """`value` as a number above 0 and below `limit`.

    Raises:
        DomainError: it is none; names it as `what`.
    """
    if type(value) not in (int, float) or not 0 < value < limit:
        raise DomainError(f"{what} = {value!r} is no number of {unit} above 0")
    return float(value)


def _from_json(content: Any) -> Camera:
    if not isinstance(content, Mapping):
        raise DomainError('holds no {"focal": pixels}')
    intrinsic, extrinsic = content.get("intrinsic"), content.get("extrinsic")
    if isinstance(intrinsic, Mapping):  # Cityscapes'
        focal, centre = intrinsic.get("fx"), intrinsic.get("u0")
        baseline = extrinsic.get("baseline") if isinstance(extrinsic, Mapping) else None
    else:
        focal, baseline = content.get("focal"), content.get("baseline")
        centre = None
    if focal is None:
        raise DomainError('holds no {"focal": pixels}')
    return _camera(focal, baseline, centre)


def _from_text(text: str) -> Camera:
    rows = {}
    for line in text.splitlines():
        name, colon, numbers = line.partition(":")
        if colon:
            rows[name.strip()] = numbers
    for left, right in KITTI_PAIRS:
        if left in rows:
            matrix = _numbers(rows[left], 12, left)
            focal, baseline = matrix[0], None
            if right in rows and focal:
                baseline = (matrix[3] - _numbers(rows[right], 12, right)[3]) / focal
            return _camera(focal, baseline, matrix[2])
    if rows:
        raise DomainError(f"holds none of the lines {', '.join(left for left, _ in KITTI_PAIRS)}")
    matrix = _numbers(text, 9, "the matrix")
    return _camera(matrix[0], None, matrix[2])


def _numbers(text: str, count: int, what: str) -> list[float]:
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError as error:
        raise DomainError(f"{what}: {error}") from None
    if len(numbers) != count:
        raise DomainError(f"{what} has {len(numbers)} numbers, not {count}")
    return numbers


def _camera(focal: Any, baseline: Any, centre: Any) -> Camera:
    return Camera(
        positive(focal, "focal", LONGEST_FOCAL, "pixels"),
        None if baseline is None else positive(baseline, "baseline", LONGEST_BASELINE, "metres"),
        float(centre) if type(centre) in (int, float) else None,
    )


def _named(path: Path, message: str) -> str:
    return message if message.startswith(str(path)) else f"{path}: {message}"
