"""`atdt embed`: a vector for each image, for TensorBoard's projector.

    OUT/tensors.tsv           a line a vector: the mean of its features over the positions
    OUT/metadata.tsv          domain, image
    OUT/sprites.png           the images, small, in rows
    OUT/projector_config.pbtxt

`tensorboard --logdir OUT` shows them by PCA, t-SNE or UMAP. As the original's utils/tsne does, of
the deepest features or another level's, of as many domains as there are stores.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from atdt.diagnose.clouds import plain_blocks, plain_samples
from atdt.domains.pictures import read_image, write_picture
from atdt.errors import DomainError, UserError
from atdt.files import inside, write_atomic
from atdt.places import place
from atdt.stores import Store, open_store
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
        array: name of the encoder's array.
        out: the folder, absent or empty.
        level: where it was cut; the deepest that has the array when None.
        sprites: also small pictures of the images, which must still be where they were.
    """

    stores: tuple[Path, ...]
    array: str
    out: Path
    level: str | None = None
    sprites: bool = True


def embed(config: Embedding) -> Path:
    """Write the mean feature vector of each image (its plain view) of some stores.

    Returns:
        `config.out`.

    Raises:
        UserError: no store, one without the array, or a folder that holds other files.
        DomainError: an image is not where it was.
    """
    if not config.stores:
        raise UserError("no store; give one or more")
    if config.out.exists() and any(config.out.iterdir()):
        raise UserError(f"{config.out}: holds files; choose another --out")
    vectors, names, pictures = [], [], []
    for path in config.stores:
        store = open_store(path)
        level = config.level or deepest(store, config.array)
        vectors.append(_means(store, level, config.array))
        images = _images(store)
        names += [(store.domain["name"], image) for image in images]
        if config.sprites:
            pictures += _sprites(place(store.domain["root"]), images)
    channels = {array.shape[1] for array in vectors}
    if len(channels) > 1:
        raise UserError(f"the stores' features have {sorted(channels)} channels; embed them apart")
    _write(config.out, np.concatenate(vectors), names, pictures)
    return config.out


def _images(store: Store) -> list[str]:
    return [str(image) for image in store.samples.image[: plain_samples(store)]]


def _means(store: Store, level: str, array: str) -> np.ndarray:
    """Mean over the positions, float32 (images, C), block by block."""
    blocks = plain_blocks(store, store.features(level, array))
    return np.concatenate([block.mean(axis=(2, 3), dtype=np.float32) for (block,) in blocks])


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
    names: Sequence[tuple[str, str]],
    pictures: Sequence[np.ndarray],
) -> None:
    lines = ("\t".join(f"{value:.6g}" for value in vector) for vector in vectors)
    write_atomic(out / "tensors.tsv", "".join(f"{line}\n" for line in lines).encode())
    rows = ["domain\timage", *(f"{_flat(domain)}\t{_flat(image)}" for domain, image in names)]
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
