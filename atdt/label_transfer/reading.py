"""What the label network reads: a label of T1 as channels that mean the same on A and on B."""

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from atdt.decode.ground_depth import FARTHEST, ground_classes, upright_depth
from atdt.domains import Domain
from atdt.domains.pose import known_focal, pose
from atdt.errors import DomainError, UserError
from atdt.label_transfer.geometry import CHANNELS, Focal, is_dense, local_geometry

SOURCES = ("semantic", "depth")
GROUND = 2.5  # ln of the metres that a ground's depth is read relative to


def check_source(source: str) -> None:
    """Refuse a T1 whose labels are not read.

    Raises:
        UserError: it is another.
    """
    if source not in SOURCES:
        raise UserError(f"--from {source}: labels of {' and '.join(SOURCES)} can be transferred")


@dataclass(frozen=True)
class Reading:
    """How labels of T1 become channels.

    Semantics: one channel a class and one for what has none, how far down the row is, from −1 to 1,
    and, where ground is named, ln of the ground's depth less 2.5 and whether it is known
    (`atdt.decode.ground_depth`). Depth: see `atdt.label_transfer.geometry`.

    Attributes:
        source: T1, "semantic" or "depth".
        classes: of semantic labels.
        ground, standing, farthest: see `GroundDepth`; no ground, no such channels.
    """

    source: str
    classes: tuple[str, ...] = ()
    ground: tuple[tuple[str, float], ...] = ()
    standing: tuple[str, ...] = ()
    farthest: float = FARTHEST

    def __post_init__(self) -> None:
        check_source(self.source)
        if self.source != "semantic" and (self.ground or self.standing):
            raise UserError(f"--ground, --standing: are classes; --from {self.source} has none")
        if self.standing and not self.ground:
            raise UserError(f"--standing {self.standing[0]}: needs a --ground to stand on")
        if not 0 < self.farthest < math.inf:
            raise UserError(f"--farthest {self.farthest:g}: must be a number of metres above 0")

    @property
    def channels(self) -> int:
        """How many there are."""
        if self.source == "depth":
            return len(CHANNELS)
        return len(self.classes) + 2 + 2 * bool(self.ground)

    def check(self, domain: Domain) -> None:
        """Refuse a domain that cannot be read so, before its first image.

        Raises:
            DomainError: its camera is not known as far as is needed, or its depth is sparse.
            UserError: it lacks a class.
        """
        if self.source == "depth":
            for index in range(len(domain)):
                known_focal(domain, index)
            if not is_dense(domain.label(0, "depth")):
                raise DomainError(
                    f"{domain.file(0, 'depth')}: is sparse depth, whose slopes cannot be read; "
                    "label transfer needs dense depth"
                )
        elif self.ground:
            ground_classes(self.ground, self.standing, domain)
            for index in range(len(domain)):
                pose(domain, index)

    def grounded(self, domain: Domain, index: int, ids: np.ndarray) -> np.ndarray | None:
        """Metres (H, W) of ground and what stands on it in an image, see `upright_depth`; None
        where that is not read."""
        if not self.ground:
            return None
        classes = ground_classes(self.ground, self.standing, domain)
        metres = upright_depth(ids, classes, pose(domain, index), self.farthest)
        return metres.astype(np.float32)

    def filled(self, channels: Tensor) -> Tensor:
        """Channels (N, C, h, w) that were moved: what came in from beyond has no class."""
        if self.source == "semantic":
            count = len(self.classes)
            nothing = ~channels[:, :count].any(dim=1)
            channels[:, count] = nothing.to(channels.dtype)
        return channels

    def read(self, label: np.ndarray, ground: np.ndarray | None, focal: Focal | None) -> np.ndarray:
        """Channels (C, h, w) float32 of a view.

        Args:
            label: (h, w), ids of the classes or metres.
            ground: of the same view, from `grounded`.
            focal: pixels of the view, across and down; needed for depth.
        """
        if self.source == "depth":
            return local_geometry(label, focal)
        ids = np.minimum(label, len(self.classes))
        is_class = np.arange(len(self.classes) + 1)[:, None, None] == ids
        rows = np.linspace(-1, 1, len(label), dtype=np.float32)[:, None]
        parts = [is_class, np.broadcast_to(rows, (1, *label.shape))]
        if ground is not None:
            known = ground > 0
            logs = np.where(known, np.log(np.where(known, ground, 1.0)) - GROUND, 0)
            parts += [logs[None], known[None]]
        return np.concatenate(parts, dtype=np.float32)
