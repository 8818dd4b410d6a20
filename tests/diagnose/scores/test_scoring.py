"""On one pass over B's store each network is shown what it did, and nothing of T2's labels."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from atdt.diagnose.scores.evidence import gather, see
from atdt.diagnose.scores.outputs import Made
from atdt.diagnose.scores.registry import Score
from atdt.diagnose.scores.scoring import score
from atdt.domains import ViewPlan
from atdt.errors import StoreError
from atdt.stores import open_store
from atdt.transfer import TransferTraining
from atdt.transfer.setting import prepare
from tests.made_ground import Ground, make_ground, write_domain

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def ground(tmp_path_factory) -> Ground:
    return make_ground(tmp_path_factory.mktemp("scored"))


@pytest.fixture(scope="session")
def b(ground):
    """B in views that are cut, mirrored and padded; and labels of T2 to test by."""
    spec = write_domain(ground.folder / "b", 9)
    plan = ViewPlan(views=4, seed=2, resize=(24, 30), crop=(16, 40), pad=(16, 40), flip=True)
    return ground.extracted("b", domain=spec, plan=plan)


@pytest.fixture(scope="session")
def setting(ground):
    return prepare(
        TransferTraining(
            store=ground.store, source="depth", target="semantic", out=ground.folder,
            target_run=ground.n2, held_out=0.3,
        )
    )  # fmt: skip


@pytest.fixture
def evidence(setting, b):
    return gather(setting, "depth", b, None, CPU)


@dataclass
class Seeing:
    """Predicts what the labels of each view say, but for what `change` does to it."""

    store: object
    name: str = "seeing"
    change: object = staticmethod(lambda ids, view: ids)
    configuration: str = ""
    info: dict = field(default_factory=dict)
    network = None
    precision = "float32"

    def make(self, piece):
        labels = self.store.labels_reader("semantic").read_all(progress=False)
        at = {
            (str(image), int(view)): k
            for k, (image, view) in enumerate(
                zip(self.store.samples.image, self.store.samples.view, strict=True)
            )
        }
        ids = np.stack([labels[at[image, piece.view]] for image in piece.images])
        ids = self.change(np.where(ids == 255, 0, ids), piece.view)
        logits = torch.nn.functional.one_hot(torch.from_numpy(ids.astype(int)), 4)
        return Made(ids, 20.0 * logits.movedim(-1, 1).float())


def test_who_predicts_the_image_is_consistent_in_cut_mirrored_and_padded_views(evidence, b):
    store = open_store(b)
    assert store.samples.flip.any() and not store.samples.flip.all()
    (found,) = score(evidence, [Seeing(store)]).values()
    assert found["views"] == pytest.approx(1) and found["views_second"] == pytest.approx(1)

    def shifted(ids, view):
        return np.roll(ids, 2, axis=2) if view else ids

    (found,) = score(evidence, [Seeing(store, change=shifted)]).values()
    assert found["views"] < 0.9 and found["views_second"] < 0.95


def test_only_some_views_are_looked_at_and_each_image_once(evidence, b):
    walked = list(evidence.seen.walk(4))
    assert [len(views.pieces) for views in walked] == [3, 3, 3]  # of four
    images = [image for views in walked for image in views.pieces[0].images]
    assert sorted(images) == sorted(f"image/{k}.png" for k in range(9))


def test_a_view_that_is_not_of_the_plan_is_refused(setting, b):
    seen = see(b, "depth", setting)
    other = replace(seen, store=replace(seen.store, plan=seen.store.plan | {"seed": 99}))
    with pytest.raises(StoreError, match="is not the one of its plan of views"):
        list(other.walk(4))


def test_the_median_seeds_and_the_baseline_are_told_apart(evidence, b):
    store = open_store(b)

    def off(ids, view):
        return (ids + 1) % 4

    networks = [
        Seeing(store, "one", configuration="c"),
        Seeing(store, "two", configuration="c"),
        Seeing(store, "off", off),
    ]
    found = score(evidence, networks)
    assert found["one"]["seeds_second"] == found["two"]["seeds_second"] == 1
    assert found["off"]["seeds_second"] is None
    assert found["off"]["median_second"] == 0  # the other two outvote it
    assert found["one"]["median_second"] == 1
    assert found["one"]["baseline_second"] != found["off"]["baseline_second"]
    alone = score(evidence, networks[:2])
    assert alone["one"]["median"] is None  # of two there is none


def test_a_score_is_one_more_line_and_may_see_labels_of_t1(ground, b):
    """From semantics to depth, since the store has labels of semantics."""
    setting = prepare(
        TransferTraining(
            store=ground.store, source="semantic", target="depth", out=ground.folder,
            target_run=ground.n1,
        )
    )  # fmt: skip
    mine = Score(
        key="mine", title="mine", reading="How much of T1 is class 0.", better="lower",
        of_images=lambda shown: np.array([(ids == 0).mean() for ids in shown.t1]),
    )  # fmt: skip
    store = open_store(b)
    evidence = gather(setting, "semantic", b, None, CPU)
    (found,) = score(evidence, [Seeing(store)], [mine]).values()
    labels = store.labels_reader("semantic").read_all(progress=False)[store.samples.view == 0]
    assert found["mine"] == pytest.approx((labels == 0).mean())


def test_labels_of_t2_are_not_among_what_is_shown(evidence):
    assert "semantic" in evidence.seen.store.labels()
    assert evidence.seen.t1 is None
