"""Vectors for TensorBoard's projector are the means of plain views, in the order of the images."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atdt.cli import main
from atdt.diagnose import Embedding, embed
from atdt.diagnose.embeddings import SPRITE
from atdt.domains.encodings import write_png
from atdt.errors import UserError
from atdt.stores import SampleTable, create_store

IMAGES, VIEWS, CHANNELS = 5, 2, 3


@pytest.fixture
def make_store(tmp_path):
    def make(name, seed, channels=CHANNELS):
        random = np.random.default_rng(seed)
        root = tmp_path / name
        for number in range(IMAGES):
            pixels = np.full((8, 12, 3), 40 * number, np.uint8)
            write_png(root / f"{number}.png", pixels)
        names = [f"{number}.png" for number in range(IMAGES)] * VIEWS
        count = len(names)
        table = SampleTable(
            [f"{k}" for k in range(count)],
            names,
            np.repeat(np.arange(VIEWS), IMAGES),
            [False] * count,
            [[0, 0, 8, 12]] * count,
            [[8, 12]] * count,
        )
        domain = {"name": name, "root": str(root)}
        store = create_store(tmp_path / f"{name}.zarr", table, {}, domain, 3)
        features = random.normal(size=(count, channels, 2, 4)).astype(np.float32)
        for level in ("level2", "level10"):
            with store.feature_writer(level, "depth", (channels, 2, 4), "float32", {}) as writer:
                for block in writer.missing_blocks():
                    start, stop = store.block_range(block)
                    writer.write_block(block, features[start:stop] + (level == "level2"))
                writer.finish()
        return store.path, features

    return make


def test_a_vector_an_image_of_each_store_its_name_and_its_picture(make_store, tmp_path):
    (a, of_a), (b, of_b) = make_store("a", 0), make_store("b", 1)
    done = CliRunner().invoke(
        main, ["embed", str(a), str(b), "--array", "depth", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    vectors = np.loadtxt(tmp_path / "out/tensors.tsv", delimiter="\t")
    expected = np.concatenate([f[:IMAGES].mean(axis=(2, 3)) for f in (of_a, of_b)])
    assert np.allclose(vectors, expected, atol=1e-4)
    rows = (tmp_path / "out/metadata.tsv").read_text().splitlines()
    assert rows[0] == "domain\timage"
    assert rows[1] == "a\t0.png" and rows[-1] == "b\t4.png"
    assert len(rows) == 1 + len(vectors)
    with Image.open(tmp_path / "out/sprites.png") as sheet:
        assert sheet.size == (4 * SPRITE, 4 * SPRITE)  # ten pictures
        assert sheet.getpixel((SPRITE + 1, SPRITE + 1))[0] == 0  # the sixth: b/0.png
        assert sheet.getpixel((1, SPRITE + 1))[0] == 160  # the fifth: a/4.png
    assert "single_image_dim: 32" in (tmp_path / "out/projector_config.pbtxt").read_text()


def test_another_level_and_no_pictures(make_store, tmp_path):
    path, features = make_store("a", 0)
    (tmp_path / "a/0.png").unlink()
    out = embed(Embedding((path,), "depth", tmp_path / "out", level="level2", sprites=False))
    vectors = np.loadtxt(out / "tensors.tsv", delimiter="\t")
    assert np.allclose(vectors, features[:IMAGES].mean(axis=(2, 3)) + 1, atol=1e-4)
    assert not (out / "sprites.png").exists()
    assert "sprite" not in (out / "projector_config.pbtxt").read_text()
    with pytest.raises(UserError, match=r"0\.png: no such file; --no-sprites does without"):
        embed(Embedding((path,), "depth", tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_what_does_not_go_together_is_refused(make_store, tmp_path):
    (a, _), (b, _) = make_store("a", 0), make_store("b", 1, channels=4)
    with pytest.raises(UserError, match=r"have \[3, 4\] channels"):
        embed(Embedding((a, b), "depth", tmp_path / "out"))
    with pytest.raises(UserError, match="semantic"):
        embed(Embedding((a,), "semantic", tmp_path / "out"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    with pytest.raises(UserError, match="holds files; choose another --out"):
        embed(Embedding((a,), "depth", tmp_path / "full"))
