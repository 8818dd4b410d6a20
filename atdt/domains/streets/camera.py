"""The cameras of the domains: where they stand, how far they see, and their rays.

Camera axes: x to the right, y down, z forward, so that a pixel's ray has z = 1 and the length
along it is the planar depth.
"""

from dataclasses import dataclass

import numpy as np

BASELINE_METRES = 0.5


@dataclass(frozen=True)
class CameraStyle:
    """A kind of camera: focal length as a share of the image width, height in metres, degrees."""

    focal_share: float
    height: float
    pitch: float  # positive looks down
    roll_jitter: float
    pitch_jitter: float
    yaw_jitter: float


CAMERAS = {
    "low": CameraStyle(0.55, 1.45, 0.5, 0.4, 0.6, 4.0),
    "high": CameraStyle(0.70, 2.5, -3.5, 0.4, 0.5, 4.0),
    "mid": CameraStyle(0.60, 1.6, 2.0, 0.4, 0.6, 4.0),
    "roof": CameraStyle(0.76, 2.7, -3.0, 0.4, 0.5, 4.0),
    "dash": CameraStyle(0.63, 1.25, 2.5, 0.4, 0.6, 4.0),
    "van": CameraStyle(0.82, 2.1, -1.5, 0.4, 0.5, 4.0),
}


@dataclass(frozen=True)
class Camera:
    """One camera in the world.

    Attributes:
        size: (height, width) in pixels.
        focal: pixels; the principal point is the middle of the image.
        position: (3,) metres.
        axes: (3, 3), rows are the camera's x, y, z axes in the world.
        height: metres above the road.
        pitch, yaw, roll: degrees.
    """

    size: tuple[int, int]
    focal: float
    position: np.ndarray
    axes: np.ndarray
    height: float
    pitch: float
    yaw: float
    roll: float

    def directions(self) -> np.ndarray:
        """World directions (H·W, 3) of the pixels' rays, of length such that z is 1."""
        height, width = self.size
        x = (np.arange(width) + 0.5 - width / 2) / self.focal
        y = (np.arange(height) + 0.5 - height / 2) / self.focal
        right, down, forward = self.axes
        grid = x[None, :, None] * right + y[:, None, None] * down + forward
        return grid.reshape(-1, 3)

    def to_camera(self, vectors: np.ndarray) -> np.ndarray:
        """World directions (N, 3) in camera axes."""
        x, y, z = vectors.T
        return np.stack([x * ax + y * ay + z * az for ax, ay, az in self.axes], axis=1)

    def right_eye(self) -> "Camera":
        """The right camera of the stereo pair: moved along the camera's own x axis."""
        moved = self.position + BASELINE_METRES * self.axes[0]
        return Camera(
            self.size, self.focal, moved, self.axes, self.height, self.pitch, self.yaw, self.roll
        )

    def describe(self) -> dict:
        """The content of the camera file beside an image."""
        return {
            "focal": self.focal,
            "principal": [self.size[1] / 2, self.size[0] / 2],
            "baseline": BASELINE_METRES,
            "height": self.height,
            "pitch_degrees": self.pitch,
            "yaw_degrees": self.yaw,
            "roll_degrees": self.roll,
            "size": list(self.size),
        }


def draw_camera(style: str, size: tuple[int, int], lane: float, rng: np.random.Generator) -> Camera:
    """A camera of a style in the lane `lane` metres right of the street's middle, at z = 0."""
    kind = CAMERAS[style]
    unit = rng.uniform(-1.0, 1.0, 5)
    pitch = kind.pitch + kind.pitch_jitter * unit[0]
    yaw = kind.yaw_jitter * unit[1]
    roll = kind.roll_jitter * unit[2]
    height = kind.height + 0.05 * unit[3]
    position = np.array([lane + 0.4 * unit[4], height, 0.0])
    return Camera(
        size,
        kind.focal_share * size[1],
        position,
        _axes(pitch, yaw, roll),
        height,
        pitch,
        yaw,
        roll,
    )


def _axes(pitch: float, yaw: float, roll: float) -> np.ndarray:
    down, turn, lean = (np.deg2rad(angle) for angle in (pitch, yaw, roll))
    forward = np.array([np.sin(turn) * np.cos(down), -np.sin(down), np.cos(turn) * np.cos(down)])
    level = np.array([np.cos(turn), 0.0, -np.sin(turn)])
    below = np.cross(level, forward)  # the world's axes are left-handed
    right = np.cos(lean) * level + np.sin(lean) * below
    return np.stack([right, np.cross(right, forward), forward])
