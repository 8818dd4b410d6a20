"""Predictions of task 2 through G: the right ones, from images, from a store, and by a head."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from atdt.decode import Decoding, decode
from atdt.domains import ViewPlan, open_domain
from atdt.errors import UserError
from atdt.predictions import open_predictions
from atdt.tasks import get_task
from atdt.training.load import load_task_network
from atdt.transfer import load_transfer


@pytest.fixture
def config(road, tmp_path: Path) -> Decoding:
    return Decoding(
        transfer=road.transfer,
        domain=road.domain,
        out=tmp_path / "p",
        batch=2,
        device="cpu",
        save_logits=True,
        save_features=True,
        save_dtype="float32",
    )


def arrays(folder: Path, part: str) -> dict[str, np.ndarray]:
    made = open_predictions(folder)
    return {image: np.load(folder / file) for image, file in made.info[part].items()}


def test_decoding_is_d2_of_g_of_e1(config: Decoding, road) -> None:
    folder = decode(config)
    logits, features = arrays(folder, "logits"), arrays(folder, "features")
    made = open_predictions(folder)
    domain = open_domain(road.domain)
    n1, n2 = (load_task_network(run).network for run in (road.n1, road.n2))
    transfer = load_transfer(road.transfer)
    assert made.images == tuple(sample.image for sample in domain.samples)
    for index, image in enumerate(made.images):
        pixels = torch.from_numpy(domain.image(index)).permute(2, 0, 1)[None] / 255
        with torch.inference_mode():
            moved = transfer.module(n1.encode(pixels, transfer.source_level))
            output = n2.decode(moved, transfer.level, tuple(pixels.shape[-2:]))
        assert np.allclose(features[image], moved[0], atol=1e-5)
        assert np.allclose(logits[image], output[0], atol=1e-5)
        ids = made.read(image, get_task("semantic"))
        assert np.array_equal(ids, logits[image].argmax(axis=0))
        assert ids.shape == domain.image_size(index)


def test_files_keep_the_images_folders_and_nothing_collides(config: Decoding) -> None:
    made = open_predictions(decode(config))
    files = made.info["files"]
    assert files["x_y/0.png"] == "predictions/x_y/0.png"
    assert files["x/y_0.png"] == "predictions/x/y_0.png"
    assert files["x/z.0002.png"] == "predictions/x/z.0002.png"
    on_disk = {str(path.relative_to(made.folder)) for path in made.folder.rglob("*.png")}
    assert on_disk == set(files.values())
    assert made.info["logits"]["x/z.0001.png"] == "logits/x/z.0001.npy"


def test_the_index_says_what_was_done(config: Decoding, road) -> None:
    made = open_predictions(decode(config))
    domain = open_domain(road.domain)
    assert (made.task, made.label_space["name"]) == ("semantic", "coarse4")
    assert made.domain["digest"] == domain.digest()
    assert made.view["crop"] is None
    assert made.mismatch == ()
    method = made.method
    assert (method["kind"], method["training_focal"]) == ("atdt", 20.0)
    assert [method[k]["name"] for k in ("transfer", "encoder", "decoder")] == ["g", "n1", "n2"]
    assert made.info["computed"]["batch"] == 2


def test_a_float32_store_gives_what_the_images_give(config: Decoding, road, tmp_path) -> None:
    from_images = decode(config)
    from_store = decode(replace(config, domain=None, store=road.store, out=tmp_path / "s"))
    expected, found = arrays(from_images, "logits"), arrays(from_store, "logits")
    assert expected.keys() == found.keys()
    for image in expected:
        assert np.allclose(found[image], expected[image], atol=1e-5)
        assert np.ptp(expected[image]) > 1e-3  # or everything would be close to everything
    made = open_predictions(from_store)
    assert made.domain["digest"] == open_domain(road.domain).digest()
    assert made.method["encoder"]["dtype"] == "float32"
    assert made.view["views"] == 2


def test_an_array_of_another_name_is_decoded_when_named(
    config: Decoding, road, tmp_path: Path, write_store
) -> None:
    level = load_transfer(road.transfer).source_level
    store = write_store(
        tmp_path / "s.zarr", road.domain, {"mine": road.n1}, ViewPlan(), "float16", level
    )
    config = replace(config, domain=None, store=store)
    with pytest.raises(UserError, match="has no array"):
        decode(config)
    made = open_predictions(decode(replace(config, array="mine")))
    assert made.method["encoder"]["dtype"] == "float16"


def test_a_head_needs_no_decoder(config: Decoding, road) -> None:
    config = replace(config, transfer=road.head)
    with pytest.raises(UserError, match="is a head, which decodes by itself"):
        decode(replace(config, decoder=road.n2))
    folder = decode(config)
    made = open_predictions(folder)
    assert (made.task, made.method["kind"]) == ("semantic", "head")
    assert made.method["training_focal"] == 20.0
    head = load_transfer(road.head)
    domain, n1 = open_domain(road.domain), load_task_network(road.n1).network
    pixels = torch.from_numpy(domain.image(0)).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        output = head.module(n1.encode(pixels, head.source_level), pixels.shape[-2:])
    assert np.allclose(arrays(folder, "logits")[made.images[0]], output[0], atol=1e-5)


def test_views_are_cut_and_recorded(config: Decoding) -> None:
    made = open_predictions(decode(replace(config, resize=(20, 30), crop=(16, 24))))
    assert (made.view["resize"], made.view["crop"]) == ([20, 30], [16, 24])
    assert made.read(made.images[0], get_task("semantic")).shape == (16, 24)
