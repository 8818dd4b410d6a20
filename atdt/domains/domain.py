"""A domain: images, and the labels that some of them have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from atdt.digests import sha256_file, sha256_json
from atdt.domains import encodings, pictures
from atdt.domains.cameras import Camera
from atdt.domains.description import Description
from atdt.domains.labels import IGNORE, LabelSpace
from atdt.domains.lists import LABEL_KINDS, Sample
from atdt.domains.predicted import check_predictions, only_resized, read_predicted
from atdt.domains.semantic_files import read_ids
from atdt.domains.view import nearest
from atdt.errors import DomainError, UserError
from atdt.file_sizes import Sizes
from atdt.predictions import CONFIDENCE, INDEX, Predictions, open_predictions


@dataclass(frozen=True)
class Domain:
    """One split of a domain, as `open_domain` gives it. Reading is safe for threads.

    Attributes:
        description: what the description file says.
        split: the list's key in [lists].
        list_path: the list file.
        samples: its lines, in its order.
        skipped: what --skip-bad left out and why, one line each.
        left_out: lines of the list that `skipped` is about.
        predictions: labels that come from predictions folders, by kind.
    """

    description: Description
    split: str
    list_path: Path
    samples: Sequence[Sample]
    skipped: tuple[str, ...] = ()
    left_out: tuple[int, ...] = ()
    predictions: Mapping[str, Predictions] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def root(self) -> Path:
        return self.description.root

    @property
    def path(self) -> Path:
        """The description file."""
        return self.description.path

    @property
    def label_space(self) -> LabelSpace:
        """What semantic labels mean once they are read."""
        return self.description.label_space

    @property
    def encodings(self) -> dict[str, str]:
        """Of the files, by kind of label."""
        return dict(self.description.encodings)

    @cached_property
    def sizes(self) -> Sizes:
        """Of the files of this domain."""
        return Sizes()

    def __len__(self) -> int:
        return len(self.samples)

    def has(self, kind: str) -> bool:
        """Whether every sample has a label of this kind ("semantic", "depth", "normals")."""
        _check_kind(kind)
        return kind in self.predictions or all(getattr(s, kind) for s in self.samples)

    def image(self, index: int) -> np.ndarray:
        """Image of a sample, uint8 (H, W, 3), RGB.

        Raises:
            DomainError: the file is absent or does not decode; names list and line.
        """
        sample = self.samples[index]
        return self._located(sample, lambda: pictures.read_image(self.root / sample.image))

    def right(self, index: int) -> np.ndarray:
        """Right image of a stereo pair, uint8 (H, W, 3), RGB.

        Raises:
            DomainError: there is none, or it does not decode; names list and line.
        """
        sample = self.samples[index]
        path = self.file(index, "right")
        return self._located(sample, lambda: pictures.read_image(path))

    def image_size(self, index: int) -> tuple[int, int]:
        """(height, width) of an image, from its file's header.

        Raises:
            DomainError: the file is absent or no image; names list and line.
        """
        sample = self.samples[index]
        return self._located(sample, lambda: pictures.image_size(self.root / sample.image))

    def label(self, index: int, kind: str) -> np.ndarray:
        """Label of a sample, of the same height and width as its image.

        Returns:
            "semantic": uint8 (H, W), ids of `label_space`, 255 where ignored.
            "depth": float32 (H, W), metres, 0 where there is none.
            "normals": float32 (H, W, 3), unit vectors in the camera's frame, 0 where there is none.

        Raises:
            DomainError: there is none, it does not decode, it has another size than the image, or
                holds an id that is not mapped; names list, line and file.
        """
        path = self.file(index, kind)
        sample = self.samples[index]
        label = self._located(sample, lambda: self._read_label(index, path, kind))
        return self._of_the_images_size(index, label, kind, path)

    def confidence(self, index: int, kind: str) -> np.ndarray:
        """How far the predictions that stand in for labels of one kind are to be trusted.

        Returns:
            uint8 (H, W), 255 wholly, of the height and width of the image.

        Raises:
            DomainError: they do not say, or the file does not decode; names list, line and file.
        """
        sample, made = self.samples[index], self.predictions[kind]
        path = self._located(sample, lambda: made.path(sample.image, CONFIDENCE))
        confidence = self._located(sample, lambda: pictures.read_numbers(path))
        if confidence.dtype != np.uint8:
            raise self._at(sample, f"{path}: has 16 bits; a confidence is a number of 8")
        return self._of_the_images_size(index, confidence, kind, path)

    def _of_the_images_size(
        self, index: int, label: np.ndarray, kind: str, path: Path
    ) -> np.ndarray:
        sample = self.samples[index]
        height, width = self.image_size(index)
        if kind in self.predictions and only_resized(self.predictions[kind]):
            rows, columns = nearest(height, label.shape[0]), nearest(width, label.shape[1])
            label = label[rows[:, None], columns]
        if label.shape[:2] != (height, width):
            raise self._at(
                sample,
                f"{path}: {kind} is {label.shape[0]}x{label.shape[1]} (height x width), but "
                f"{sample.image} is {height}x{width}",
            )
        return label

    def file(self, index: int, kind: str) -> Path:
        """Path of a sample's label of some kind, or of its "right" image.

        Raises:
            DomainError: it has none; names list and line.
        """
        sample = self.samples[index]
        if kind in self.predictions:
            return self._located(sample, lambda: self.predictions[kind].path(sample.image))
        if kind != "right":
            _check_kind(kind)
        relative = getattr(sample, kind)
        if relative is None:
            columns = ";".join(self.description.columns)
            raise self._at(
                sample, f"has no {kind}; columns are {columns} (`columns` in {self.path})"
            )
        return self.root / relative

    def focal(self, index: int) -> float | None:
        """Focal length of a sample's camera in pixels of the native image; None where unknown.

        Raises:
            DomainError: its camera file is absent or holds none; names list and line.
        """
        return self.camera(index).focal

    def camera(self, index: int) -> Camera:
        """What is known of the camera, or the stereo pair, that took a sample's image.

        Raises:
            DomainError: its camera file is absent or holds no focal length; names list and line.
        """
        sample = self.samples[index]
        return self._located(
            sample,
            lambda: self.description.camera_of(sample, lambda: self.image_size(index)[1]),
        )

    def digest(self) -> str:
        """sha256 of what identifies these images and labels.

        Goes over the name, the split, the list's columns, the image files' sizes in bytes (so that
        images that were rendered anew are noticed), label map, encodings and predictions, and
        cameras where depth is read through them.

        Raises:
            DomainError: an image is gone; names list and line.
        """
        label_map = dict(self.description.label_map.ids)
        if self.description.in_files is not None:
            label_map.setdefault(IGNORE, IGNORE)  # so it was in stores of before, named or not
        through: dict[str, Any] = {}  # stores of before had neither
        if encodings.needs_camera(self.encodings["depth"]):
            said = self.description
            through["cameras"] = [sample.camera for sample in self.samples]
            through["camera"] = [said.focal, said.fov, said.camera, said.baseline]
        if self.description.far is not None:
            through["far"] = asdict(self.description.far)
        return sha256_json(
            through
            | {
                "name": self.name,
                "split": self.split,
                "samples": ([getattr(s, c) for c in ("image", *LABEL_KINDS)] for s in self.samples),
                "bytes": (self._bytes(sample) for sample in self.samples),
                "classes": self.label_space.classes,
                "label_map": sorted(label_map.items()),
                "encodings": self.encodings,
                "predictions": {
                    kind: sha256_file(made.folder / INDEX)
                    for kind, made in self.predictions.items()
                },
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """What a store or a run records of a domain: name, split, digest, list, root, images."""
        return {
            "name": self.name,
            "split": self.split,
            "digest": self.digest(),
            "list": str(self.list_path),
            "root": str(self.root),
            "images": len(self),
        }

    def with_predictions(self, kind: str, folder: str | Path) -> "Domain":
        """The same images, with predictions in place of their labels of one kind.

        Args:
            kind: "semantic", "depth" or "normals".
            folder: a finished predictions folder of that task, of whole images: made at another
                size, they are brought to the native one by nearest neighbour. Disparity will do for
                depth, of which then neither scale nor shift means anything.

        Raises:
            DomainError: the folder holds another task or label space, is of another domain, or
                lacks an image.
            UserError: it is no finished predictions folder.
        """
        _check_kind(kind)
        made = open_predictions(folder)
        check_predictions(self, kind, made)
        changed = replace(self, predictions={**self.predictions, kind: made})
        for position in range(len(changed)):
            changed.file(position, kind)
        return changed

    def _read_label(self, index: int, path: Path, kind: str) -> np.ndarray:
        if kind in self.predictions:
            return read_predicted(path, self.predictions[kind], kind, self.label_space)
        described, encoding = self.description, self.encodings[kind]
        if kind == "semantic":
            raw = read_ids(path, encoding, described.in_files)
            ids = described.label_map.apply_to_file(path, raw)
            far = described.far
            return ids if far is None else far.apply(ids, raw, self._depth_beside(index, raw.shape))
        if kind == "normals":
            return encodings.read_normals(path, encoding)
        return self._depth(index, path)

    def _depth_beside(self, index: int, shape: tuple[int, ...]) -> np.ndarray:
        path = self.file(index, "depth")
        metres = self._depth(index, path)
        if metres.shape != shape:
            raise DomainError(f"{path}: {metres.shape}, but semantic labels are {shape}")
        return metres

    def _depth(self, index: int, path: Path) -> np.ndarray:
        encoding = self.encodings["depth"]
        camera = self.camera(index) if encodings.needs_camera(encoding) else Camera()
        return encodings.read_depth(path, encoding, camera)

    def _bytes(self, sample: Sample) -> int:
        try:
            size = self.sizes.of(self.root / sample.image)
        except OSError as error:
            raise self._at(sample, f"{sample.image}: cannot be read ({error.strerror})") from None
        if size is None:
            raise self._at(sample, f"{sample.image}: cannot be read (no such file)")
        return size

    def _located[Read](self, sample: Sample, read: Callable[[], Read]) -> Read:
        try:
            return read()
        except UserError as error:
            raise self._at(sample, str(error)) from None

    def _at(self, sample: Sample, problem: str) -> DomainError:
        return DomainError(f"{self.list_path}:{sample.line}: {problem}")


def _check_kind(kind: str) -> None:
    if kind not in LABEL_KINDS:
        raise ValueError(f"{kind!r} is no kind of label; kinds are {', '.join(LABEL_KINDS)}")
