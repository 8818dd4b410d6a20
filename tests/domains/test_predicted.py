"""Predictions in place of labels."""

import json

import numpy as np
import pytest

from atdt.domains import Domain, label_space, open_domain
from atdt.domains.encodings import write_depth, write_png
from atdt.errors import DomainError, UserError
from tests.made_predictions import write_index


@pytest.fixture
def predict(tmp_path):
    """Writes a predictions folder."""

    def write(domain: Domain, task: str, write_one, **changes):
        folder = tmp_path / "predictions"
        files = {}
        for sample in domain.samples:
            files[sample.image] = (
                f"predictions/{sample.line}{'.npy' if task == 'depth' else '.png'}"
            )
            write_one(folder / files[sample.image])
        return write_index(folder, domain, task, **{"files": files, "view": {}} | changes)

    return write


def ids(path, value=3, size=(12, 20)):
    write_png(path, np.full(size, value, np.uint8))


def test_predictions_take_the_place_of_labels(make_domain, predict):
    folder = make_domain(2, toml='[labels]\n0 = "sky"')  # the files' map is not the predictions'
    (folder / "train.txt").write_text("image/a/0.png\nimage/a/1.png\n")
    domain = open_domain(folder)
    learnt = domain.with_predictions("semantic", predict(domain, "semantic", ids))
    assert learnt.has("semantic")
    assert not domain.has("semantic")
    assert (learnt.label(1, "semantic") == 3).all()
    assert learnt.digest() != domain.digest()
    far = predict(domain, "depth", lambda path: write_depth(path, np.full((12, 20), 7.5), "npy"))
    assert (learnt.with_predictions("depth", far).label(0, "depth") == 7.5).all()


def test_predictions_of_resized_images_come_back_at_the_native_size(make_domain, predict):
    domain = open_domain(make_domain(1))
    small = np.arange(6 * 10, dtype=np.float32).reshape(6, 10) + 1
    halved = {"view": {"resize": [6, 10], "crop": None, "pad": None}}
    folder = predict(domain, "depth", lambda path: write_depth(path, small, "npy"), **halved)
    label = domain.with_predictions("depth", folder).label(0, "depth")
    assert (label == small.repeat(2, axis=0).repeat(2, axis=1)).all()


def test_predicted_depth_below_zero_is_none(make_domain, predict):
    """A linear head puts some pixels behind the camera; self-training must not stop at that."""
    domain = open_domain(make_domain(1))
    metres = np.full((12, 20), 5.0, np.float32)
    metres[0] = -4.2

    def write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, metres)

    label = domain.with_predictions("depth", predict(domain, "depth", write)).label(0, "depth")
    assert (label[0] == 0).all()
    assert (label[1:] == 5).all()


def test_predictions_that_do_not_fit(make_domain, predict):
    domain = open_domain(make_domain(2))
    with pytest.raises(DomainError, match="holds predictions of 'depth', not of 'semantic'"):
        domain.with_predictions("semantic", predict(domain, "depth", ids))
    coarse = label_space("coarse4").to_dict()
    index = predict(domain, "semantic", ids) / "predictions.json"
    info = json.loads(index.read_text())
    elsewhere = info["domain"] | {"name": "other", "root": "elsewhere"}
    index.write_text(json.dumps(info | {"domain": elsewhere}))
    with pytest.raises(DomainError, match=r"predictions\.json: is of other, not of .* same names"):
        domain.with_predictions("semantic", index.parent)
    with pytest.raises(DomainError, match=r"label space 'coarse4', but .* has 'shared11'"):
        domain.with_predictions("semantic", predict(domain, "semantic", ids, label_space=coarse))
    with pytest.raises(DomainError, match="label_space: a label space has exactly"):
        domain.with_predictions("semantic", predict(domain, "semantic", ids, label_space={}))
    part = {"image/a/0.png": "predictions/1.png"}
    with pytest.raises(DomainError, match=r"train\.txt:2: .*no prediction of 'image/a/1\.png'"):
        domain.with_predictions("semantic", predict(domain, "semantic", ids, files=part))
    with pytest.raises(UserError, match="unfinished"):
        domain.with_predictions("semantic", predict(domain, "semantic", ids, complete=False))
    cropped = predict(domain, "semantic", lambda path: ids(path, size=(6, 6)))
    with pytest.raises(DomainError, match="semantic is 6x6"):
        domain.with_predictions("semantic", cropped).label(0, "semantic")
    wrong = predict(domain, "semantic", lambda path: ids(path, value=11))
    with pytest.raises(DomainError, match="holds id 11"):
        domain.with_predictions("semantic", wrong).label(0, "semantic")


def test_confidence_comes_at_the_size_of_the_image_like_its_label(make_domain, predict):
    domain = open_domain(make_domain(1))
    sure = np.arange(6 * 10, dtype=np.uint8).reshape(6, 10)
    made = {
        "view": {"resize": [6, 10], "crop": None, "pad": None},
        "confidence": {"image/a/0.png": "confidence/0.png"},
    }
    folder = predict(domain, "semantic", lambda path: ids(path, size=(6, 10)), **made)
    learnt = domain.with_predictions("semantic", folder)
    with pytest.raises(DomainError, match=r"train\.txt:1: .*confidence/0\.png: named by"):
        learnt.confidence(0, "semantic")
    write_png(folder / "confidence/0.png", sure)
    found = learnt.confidence(0, "semantic")
    assert found.dtype == np.uint8
    assert (found == sure.repeat(2, axis=0).repeat(2, axis=1)).all()
    write_depth(folder / "confidence/0.png", sure.astype(np.float32), "uint16/256")
    with pytest.raises(DomainError, match="has 16 bits; a confidence is a number of 8"):
        learnt.confidence(0, "semantic")
    bare = domain.with_predictions("semantic", predict(domain, "semantic", ids))
    with pytest.raises(DomainError, match=r"has no confidence of 'image/a/0\.png'"):
        bare.confidence(0, "semantic")
