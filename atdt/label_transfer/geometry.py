"""What a depth map says of the shape of things, whatever camera took it: height, slope, roughness.

As the "HHA" channels of Gupta, Girshick, Arbeláez, Malik, "Learning Rich Features from RGB-D Images
for Object Detection and Segmentation" (ECCV 2014), which are of disparity, height above ground and
angle with gravity. Disparity is left out here, since it is the camera's. A plane is linear in
inverse depth over the image, so slopes are taken from that.
"""

import numpy as np

CHANNELS = ("height", "up", "side", "rough", "known")
NEAREST, FARTHEST = 0.1, 500.0  # metres; what is beyond is sky
GROUND_FARTHEST = 30.0  # metres, in which the ground is looked for
LEVEL = 0.97  # cosine of ground to the camera's own level, 14 degrees
HEIGHTS = 0.3, 10.0  # metres, of a camera above ground
ON_GROUND = 0.05  # metres from it that still are it
REFITS = 5
DRAWS, POINTS = 128, 600  # planes that are tried, and pixels that they are tried on
Focal = tuple[float, float]  # pixels across and down
KNEE = 0.1  # metres of height, below which asinh is a line


def local_geometry(depth: np.ndarray, focal: Focal) -> np.ndarray:
    """Five channels of a depth map, all 0 where there is no depth.

    "height" is asinh(metres above ground / 0.1) / 3; "up" and "side" are parts of the unit normal,
    along the ground's normal and across the image, the latter without its sign; "rough" is how far
    inverse depth is from that of its four neighbours, in twentieths of itself; "known" is 1. Where
    no ground is found, height is 0 and "up" is along the camera's own.

    Args:
        depth: (H, W) metres along the axis, 0 where unknown.
        focal: pixels across and down; the principal point is the middle of the image.

    Returns:
        (5, H, W) float32.
    """
    depth = depth.astype(np.float64)
    known = (depth > NEAREST) & (depth < FARTHEST)
    x, y = _directions(depth.shape, focal)
    near = np.where(known, 1 / np.where(known, depth, 1.0), 0.0)
    across, down = focal[0] * _slope(near), focal[1] * _slope(near.T).T
    normal = np.stack([across, down, near - across * x - down * y])
    normal /= np.linalg.norm(normal, axis=0) + 1e-9
    ground = ground_plane(depth, focal)
    if ground is None:
        height, up = np.zeros_like(depth), normal[1]
    else:
        length = np.linalg.norm(ground)
        height = (1 - depth * (ground[0] * x + ground[1] * y + ground[2])) / length
        up = np.tensordot(ground / length, normal, axes=1)
    rough = np.clip(20 * _curvature(near) / np.where(known, near, 1.0), -1, 1)
    channels = [np.arcsinh(height / KNEE) / 3, up, np.abs(normal[0]), rough, np.ones_like(depth)]
    return np.where(known, channels, 0).astype(np.float32)


def ground_plane(depth: np.ndarray, focal: Focal) -> np.ndarray | None:
    """The plane that most of what is near lies on, in the lower half of an image.

    Random planes through three pixels, of which the one with most pixels within 5 cm wins (Fischler
    and Bolles, RANSAC, 1981), then least squares over those. The same for the same depth.

    Returns:
        (3,) n with n · P = 1 for points P in camera axes; None where no level plane is found.
    """
    x, y = _directions(depth.shape, focal)
    below = np.arange(depth.shape[0])[:, None] >= depth.shape[0] // 2
    used = below & (depth > NEAREST) & (depth < GROUND_FARTHEST)
    points = (np.stack([x, y, np.ones_like(depth)]) * depth)[:, used].T.astype(np.float64)
    if len(points) < 3:
        return None
    generator = np.random.default_rng(0)
    points = points[generator.permutation(len(points))[:POINTS]]
    triples = points[generator.integers(0, len(points), (DRAWS, 3))]
    triples = triples[np.abs(np.linalg.det(triples)) > 1e-6]
    planes = np.linalg.solve(triples, np.ones((len(triples), 3, 1)))[..., 0]
    length = np.linalg.norm(planes, axis=1)
    lowest, highest = HEIGHTS
    level = (planes[:, 1] > LEVEL * length) & (lowest * length < 1) & (highest * length > 1)
    planes, length = planes[level], length[level]
    if not len(planes):
        return None
    on = np.abs(1 - points @ planes.T) < ON_GROUND * length
    best = on.sum(axis=0).argmax()
    plane, on = planes[best], on[:, best]
    if on.sum() < 3:
        return None
    for _ in range(REFITS):
        plane = np.linalg.lstsq(points[on], np.ones(on.sum()), rcond=None)[0]
        apart = np.abs(1 - points @ plane) / np.linalg.norm(plane)
        on = apart <= min(ON_GROUND, 3 * np.median(apart[on]))  # feet of things are not ground
        if on.sum() < 3:
            break
    return plane


def is_dense(depth: np.ndarray) -> bool:
    """Whether most pixels of known depth lie among others, so that slopes can be read."""
    known = depth > 0
    inside = known[1:-1, 1:-1]
    among = inside & known[1:-1, :-2] & known[1:-1, 2:] & known[:-2, 1:-1] & known[2:, 1:-1]
    return 2 * among.sum() >= inside.sum()


def _directions(size: tuple[int, int], focal: Focal) -> tuple[np.ndarray, np.ndarray]:
    """x and y, (H, W) each, of one metre along the axis."""
    v, u = np.mgrid[: size[0], : size[1]] + 0.5
    return (u - size[1] / 2) / focal[0], (v - size[0] / 2) / focal[1]


def _slope(values: np.ndarray) -> np.ndarray:
    """By how much values grow from a column to the next, over 3×3 pixels."""
    padded = np.pad(values, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return (rows[:, 2:] - rows[:, :-2]) / 6


def _curvature(values: np.ndarray) -> np.ndarray:
    """The mean of the four neighbours less the value itself."""
    padded = np.pad(values, 1, mode="edge")
    beside = padded[1:-1, :-2] + padded[1:-1, 2:] + padded[:-2, 1:-1] + padded[2:, 1:-1]
    return beside / 4 - values
