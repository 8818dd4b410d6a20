"""Predictions that a store holds as labels."""

from dataclasses import replace

import numpy as np
import pytest

from atdt.decode import Decoding, Prediction, decode, predict
from atdt.diagnose.judging import judge_on, judge_rehearsal
from atdt.domains import ViewPlan, open_domain
from atdt.errors import DomainError, MismatchError, UserError
from atdt.evaluate.pairs import Pairs
from atdt.extract import Extraction, extract
from atdt.predictions import open_predictions
from atdt.stores import open_store
from atdt.tasks import get_task
from atdt.transfer import TransferTraining, train
from atdt.transfer.setting import prepare
from tests.extract.store_content import content
from tests.made_agreement import Ground, make_agreement
from tests.made_ground import write_network


@pytest.fixture(scope="module")
def ground(tmp_path_factory) -> Ground:
    return make_agreement(tmp_path_factory.mktemp("pseudo"))


@pytest.fixture(scope="module")
def depth(ground):
    """What N2 says of B, which has no labels of depth."""
    out = ground.folder / "depth-of-b"
    return predict(Prediction(run=ground.n2, domain=ground.b, out=out, device="cpu"))


@pytest.fixture
def config(ground, depth, tmp_path):
    plan = ViewPlan(views=2, seed=5, photometric="paper", flip=True)
    return Extraction(
        ground.b, ((None, ground.n1),), tmp_path / "b.zarr", plan=plan, labels=("semantic",),
        device="cpu", pseudo_labels=(depth,),
    )  # fmt: skip


def test_they_lie_beside_the_domains_own_under_the_same_views(config, depth):
    store = open_store(extract(config))
    assert set(store.labels()) == {"semantic", "depth"}
    reader, made = store.labels_reader("depth"), open_predictions(depth)
    stored = reader.read_all(progress=False)
    for sample, (image, flip) in enumerate(
        zip(store.samples.image, store.samples.flip, strict=True)
    ):
        predicted = np.maximum(made.read(str(image), get_task("depth")), 0)  # below: none
        np.testing.assert_array_equal(stored[sample], predicted[:, ::-1] if flip else predicted)
    assert store.samples.flip.any() and store.samples.view.max() == 1
    assert reader.attrs["taught_by"]["kind"] == "network" and reader.attrs["focal"] is None
    assert "taught_by" not in store.labels_reader("semantic").attrs
    assert extract(replace(config, resume=True)) == config.out


def test_other_predictions_take_the_place_of_their_array_alone(config, ground, tmp_path):
    """They are no part of what the store is of: all else can be added without them."""
    plain = replace(config, labels=(), pseudo_labels=())
    extract(plain)
    before = content(extract(config))
    other = write_network(tmp_path / "n3", "depth", 9)
    again = predict(Prediction(run=other, domain=ground.b, out=tmp_path / "again", device="cpu"))
    with pytest.raises(MismatchError, match=r"predictions_sha256: .*--overwrite labels/depth"):
        extract(replace(config, pseudo_labels=(again,)))
    assert content(config.out) == before
    replaced = replace(config, pseudo_labels=(again,), overwrite=("labels/depth",))
    after = content(extract(replaced))
    assert before.keys() == after.keys() and before != after
    assert extract(replace(plain, encoders=((None, ground.n1), (None, ground.n2)))) == config.out
    assert open_store(config.out).domain["digest"] == open_domain(ground.b).digest()


def test_what_was_decoded_from_the_store_is_evaluated(config, ground, tmp_path):
    a = f"{ground.folder}/a.zarr"
    g = train(
        TransferTraining(
            store=a, source="semantic", target="depth", out=tmp_path / "g", steps=1,
            options={"width": 8}, target_run=ground.n2, device="cpu",
        )
    )  # fmt: skip
    out = decode(
        Decoding(
            transfer=g, decoder=ground.n2, store=extract(config),
            out=tmp_path / "p", device="cpu",
        )
    )  # fmt: skip
    pairs = Pairs(open_predictions(out), open_domain(ground.b), get_task("depth"))
    assert len(pairs) == 7


def test_predictions_judge_nothing(config, ground, tmp_path):
    """B's labels that a sweep shows, and a rehearsal's, are labels."""
    setting = prepare(
        TransferTraining(
            store=f"{ground.folder}/a.zarr", source="semantic", target="depth",
            out=tmp_path / "g", target_run=ground.n2, device="cpu",
        )
    )  # fmt: skip
    store = extract(config)
    assert judge_on(store, "semantic", setting) is None
    with pytest.raises(UserError, match="no 'depth' labels of its own to rehearse with"):
        judge_rehearsal(store, "semantic", setting)


def test_what_is_no_label_or_there_twice_is_refused(config, depth, ground, tmp_path):
    def refused(problem, error=UserError, **changes):
        with pytest.raises(error, match=problem):
            extract(replace(config, **changes))
        assert not config.out.exists()

    refused("labels of depth are asked for twice", pseudo_labels=(depth, depth))
    classes = predict(
        Prediction(run=ground.n1, domain=ground.b, out=tmp_path / "classes", device="cpu")
    )
    refused("labels of semantic are asked for twice", pseudo_labels=(classes,))
    relative = write_network(tmp_path / "relative", "disparity", 3)
    relative = predict(Prediction(run=relative, domain=ground.b, out=tmp_path / "r", device="cpu"))
    refused("holds disparity, which is no label", pseudo_labels=(relative,))
    other = {"domain": ground.a, "labels": ()}
    refused("is of b, not of a, though its images may have the same names", DomainError, **other)


def test_workers_store_them_too(config, theirs, tmp_path):
    alone = content(extract(replace(config, out=tmp_path / "alone.zarr", threads=1)))
    assert content(extract(replace(config, cluster=theirs))) == alone
