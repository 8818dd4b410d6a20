"""Made data/golden-v1.zarr, once: a store of schema version 1 that later code must read.

Not run by the tests: a golden store that is made anew proves nothing. Numbers are formulas, which
`test_golden.py` computes on its own.

    python tests/stores/make_golden.py tests/stores/data/golden-v1.zarr
"""

import sys
from pathlib import Path

import numpy as np

from atdt.stores import SampleTable, Store, create_store

IMAGES, VIEWS, PER_SHARD = 4, 2, 3  # 8 samples in shards of 3, 3 and 2
PLAN = {"views": VIEWS, "seed": 7, "crop": [8, 12]}
DOMAIN = {"name": "golden", "split": "train", "digest": "0f" * 32}


def main(path: Path) -> None:
    """Write the store to `path`."""
    store = create_store(path, _samples(), PLAN, DOMAIN, PER_SHARD)
    _features(store, "level4", "depth", (3, 2, 3), "float16", "none")
    _features(store, "level4", "semantic", (2, 2, 3), "float16", "zstd")
    _features(store, "level2", "depth", (2, 4, 6), "float32", "lz4")
    _labels(store, "semantic", (4, 6), "uint8", "zstd")
    _labels(store, "depth", (4, 6), "float32", "none")


def _samples() -> SampleTable:
    samples = np.arange(VIEWS * IMAGES)
    views, images = np.divmod(samples, IMAGES)
    return SampleTable(
        sample_id=[f"straße{image}#{view}" for view, image in zip(views, images, strict=True)],
        image=[f"ü/画像{image}.png" for image in images],
        view=views,
        flip=(samples % 3 == 1) & (views > 0),
        box=np.stack([views, 2 * images, samples * 0 + 8, samples * 0 + 12], axis=1),
        size=np.stack([samples * 0 + 16, 20 + images], axis=1),
    )


def _features(
    store: Store, level: str, name: str, item: tuple[int, ...], dtype: str, compressor: str
) -> None:
    """Sevenths, which no binary float holds exactly, so that the cast is part of what is kept."""
    count = np.arange(len(store.samples) * np.prod(item), dtype=np.float64)
    values = (((count % 41) - 17) / 7).astype(np.float32).reshape(-1, *item)
    provenance = {
        "task": name,
        "network": {"name": "tiny", "options": {}},
        "encoder_sha256": "5a" * 32,
        "level": level,
        "preprocessing": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
        "device": "cpu",
        "threads": 1,
        "precision": "float32",
        "batch": 3,
    }
    with store.feature_writer(
        level, name, item, dtype, provenance, compressor=compressor
    ) as writer:
        _fill(store, writer, values)


def _labels(store: Store, name: str, item: tuple[int, ...], dtype: str, compressor: str) -> None:
    """Classes 0…4 and ignored pixels; metres, none among them."""
    count = np.arange(len(store.samples) * np.prod(item)).reshape(-1, *item)
    if dtype == "uint8":
        values = np.where(count % 6 == 5, 255, count % 6).astype(dtype)
    else:
        values = ((count % 23) / 3).astype(dtype)
    with store.label_writer(name, item, dtype, {"task": name}, compressor=compressor) as writer:
        _fill(store, writer, values)


def _fill(store: Store, writer, values: np.ndarray) -> None:
    for block in writer.missing_blocks():
        start, stop = store.block_range(block)
        writer.write_block(block, values[start:stop])
    writer.finish()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
