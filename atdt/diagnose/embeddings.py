"""`atdt embed`: a vector for each image, for TensorBoard's projector.

    OUT/tensors.tsv           a line a vector: the mean of its features over the positions
    OUT/metadata.tsv          domain, image; with a G also whose features
    OUT/sprites.png           the images, small, in rows
    OUT/projector_config.pbtxt

`tensorboard --logdir OUT` shows them by PCA, t-SNE or UMAP. As the original's utils/tsne does, of
the deepest features or another level's, of as many domains as there are stores, and through G.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from atdt.decode.belonging import check_channels, check_key
from atdt.devices import pick_device
from atdt.diagnose.clouds import plain_blocks, plain_samples
from atdt.domains.pictures import read_image, write_picture
from atdt.errors import DomainError, UserError
from atdt.files import inside, write_atomic
from atdt.places import place
from atdt.stores import FeatureReader, Store, open_store
from atdt.transfer import load_transfer
from atdt.transfer.building import HEAD_MODE
from atdt.transfer.setting import deepest

SPRITE = 32  # pixels, a side
MOST_SPRITES = (8192 // SPRITE) ** 2  # TensorBoard takes a picture of 8192×8192 at most
CONFIG = """embeddings {{
  tensor_path: "tensors.tsv"
  metadata_path: "metadata.tsv"
{sprites}}}
"""
SPRITES = """  sprite {{
    image_path: "sprites.png"
    single_image_dim: {side}
    single_image_dim: {side}
  }}
"""


@dataclass(frozen=True)
class Embedding:
    """What is written.

    Attributes:
        stores: feature stores, such as of A and of B; one kind of encoder in all.
        array: name of the encoder's array; None: what `transfer` reads.
        out: the folder, absent or empty.
        level: where it was cut; the deepest that has the array, or where `transfer` reads, when
            None.
        sprites: also small pictures of the images, which must still be where they were.
        transfer: run of a G: its output is embedded, and beside it the features of E2 that it is to
            be like, of the stores that have them.
        device: see `atdt.devices`; where G runs.
    """

    stores: tuple[Path, ...]
    array: str | None
    out: Path
    level: str | None = None
    sprites: bool = True
    transfer: Path | None = None
    device: str = "auto"


def embed(config: Embedding) -> Path:
    """Write the mean feature vector of each image (its plain view) of some stores.

    Returns:
        `config.out`.

    Raises:
        UserError: no store, one without the array, neither an array nor a G, a G that is a head,
            or a folder that holds other files.
        DomainError: an image is not where it was.
        MismatchError: a store's features are not of the encoder that G was trained on.
    """
    if not config.stores:
        raise UserError("no store; give one or more")
    if config.out.exists() and any(config.out.iterdir()):
        raise UserError(f"{config.out}: holds files; choose another --out")
    through = None if config.transfer is None else _Through(config)
    vectors, names, pictures = [], [], []
    for path in config.stores:
        store = open_store(path)
        made = _own(store, config) if through is None else through.of(store)
        images = _images(store)
        shown = _sprites(place(store.domain["root"]), images) if config.sprites else []
        for whose, means in made.items():
            vectors.append(means)
            names += [(store.domain["name"], image, *whose) for image in images]
            pictures += shown
    channels = {array.shape[1] for array in vectors}
    if len(channels) > 1:
        raise UserError(f"the stores' features have {sorted(channels)} channels; embed them apart")
    _write(config.out, np.concatenate(vectors), names, pictures)
    return config.out


def _images(store: Store) -> list[str]:
    return [str(image) for image in store.samples.image[: plain_samples(store)]]


def _own(store: Store, config: Embedding) -> dict[tuple[str, ...], np.ndarray]:
    """The vectors of an encoder's features; nothing has to say whose they are."""
    if config.array is None:
        raise UserError("--array: name the encoder whose features are embedded, or --transfer a G")
    level = config.level or deepest(store, config.array)
    return {(): _means(store, store.features(level, config.array))}


class _Through:
    """What a G makes of stores, and what it is to be like."""

    def __init__(self, config: Embedding):
        self._device = pick_device(config.device)
        self._transfer = load_transfer(config.transfer, self._device)
        info = self._transfer.run.info
        if self._transfer.mode == HEAD_MODE:
            raise UserError(f"{config.transfer}: is a head, which makes no features; give a G")
        self._array = config.array or info["source"]["array"]
        self._level = config.level or self._transfer.source_level
        self._target = info["target"]

    def of(self, store: Store) -> dict[tuple[str, ...], np.ndarray]:
        """The vectors of a store, by whose they are."""
        source = self._checked("source", store.features(self._level, self._array))
        made = {(f"G({self._array})",): _means(store, source, self._made)}
        level, array = self._transfer.level, self._target["array"]
        if level in store.levels() and array in store.arrays(level):
            made[array,] = _means(store, self._checked("target", store.features(level, array)))
        return made

    def _checked(self, side: str, reader: FeatureReader) -> FeatureReader:
        """An array, if it is of the encoder that G was trained with."""
        transfer, advice = self._transfer, "give stores of the encoders that it was trained with"
        check_channels(side, reader.shape[1], transfer, reader.path)
        key = transfer.run.info[side]["key"]
        check_key(side, key, reader.attrs, transfer, reader.path, (), advice)
        return reader

    @torch.inference_mode()
    def _made(self, features: np.ndarray) -> np.ndarray:
        source = torch.from_numpy(features.astype(np.float32)).to(self._device)
        return self._transfer.module(source).float().cpu().numpy()


def _means(
    store: Store, reader: FeatureReader, of: Callable[[np.ndarray], np.ndarray] = np.asarray
) -> np.ndarray:
    """Mean over the positions of what `of` makes of features, float32 (images, C), by blocks."""
    blocks = plain_blocks(store, reader)
    return np.concatenate([of(block).mean(axis=(2, 3), dtype=np.float32) for (block,) in blocks])


def _sprites(root: Path, images: Sequence[str]) -> list[np.ndarray]:
    found = []
    for image in images:
        try:
            pixels = read_image(inside(root, image))
        except DomainError as error:
            raise DomainError(f"{error}; --no-sprites does without pictures") from None
        small = Image.fromarray(pixels).resize((SPRITE, SPRITE), Image.Resampling.BOX)
        found.append(np.asarray(small))
    return found


def _write(
    out: Path,
    vectors: np.ndarray,
    names: Sequence[tuple[str, ...]],
    pictures: Sequence[np.ndarray],
) -> None:
    lines = ("\t".join(f"{value:.6g}" for value in vector) for vector in vectors)
    write_atomic(out / "tensors.tsv", "".join(f"{line}\n" for line in lines).encode())
    columns = ("domain", "image", "features")[: len(names[0])]
    rows = ["\t".join(map(_flat, row)) for row in (columns, *names)]
    write_atomic(out / "metadata.tsv", "".join(f"{row}\n" for row in rows).encode())
    sprites = ""
    if 0 < len(pictures) <= MOST_SPRITES:
        write_picture(out / "sprites.png", _sheet(pictures))
        sprites = SPRITES.format(side=SPRITE)
    config = CONFIG.format(sprites=sprites)
    write_atomic(out / "projector_config.pbtxt", config.encode())  # last: TensorBoard looks for it


def _sheet(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """A square of pictures, row by row, as the projector reads it."""
    side = math.ceil(math.sqrt(len(pictures)))
    sheet = np.zeros((side * SPRITE, side * SPRITE, 3), np.uint8)
    for number, picture in enumerate(pictures):
        y, x = (part * SPRITE for part in divmod(number, side))
        sheet[y : y + SPRITE, x : x + SPRITE] = picture
    return sheet


def _flat(text: str) -> str:
    return text.replace("\t", " ").replace("\n", " ")
