"""`atdt diagnose`: from two stores to a page, or to a reason why not."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.decode import Decoding, Prediction, decode, predict
from atdt.diagnose.clouds import cloud
from atdt.diagnose.diagnosis import Diagnosis, diagnose
from atdt.diagnose.maps import maps
from atdt.domains import ViewPlan
from atdt.errors import MismatchError, UserError
from atdt.stores import open_store
from atdt.transfer import TransferTraining, train
from tests.made_ground import Ground, make_ground, write_domain


@pytest.fixture(scope="session")
def ground(tmp_path_factory) -> Ground:
    return make_ground(tmp_path_factory.mktemp("diagnosed"))


@pytest.fixture(scope="session")
def b(ground):
    spec = write_domain(ground.folder / "b", 7)
    return ground.extracted("b", domain=spec, encoders=((None, ground.n1),), labels=())


def measured(path):
    content = json.loads((path.parent / "diagnosis.json").read_text())
    return {measure["key"]: measure["value"] for measure in content["measures"]}


@pytest.fixture(scope="session")
def both(ground):
    """A store of B with E1, E2, T1's labels kept out, and views that are mirrored."""
    spec = write_domain(ground.folder / "b", 7)
    plan = ViewPlan(views=3, seed=1, photometric="strong", flip=True)
    return ground.extracted("both", domain=spec, plan=plan, labels=())


@pytest.fixture(scope="session")
def gs(ground):
    def g(name, **options):
        return train(
            TransferTraining(
                store=ground.store, source="depth", target="semantic", out=ground.folder / name,
                options={"width": 8}, steps=3, device="cpu", target_run=ground.n2, **options,
            )
        )  # fmt: skip

    return [g("g0"), g("g1", seed=1), g("head", architecture="head")]


def scored(path):
    return json.loads((path.parent / "diagnosis.json").read_text())["scores"]


def test_a_page_with_its_numbers_is_left_by_the_command(ground, b, gs, tmp_path):
    out = tmp_path / "page"
    done = CliRunner().invoke(
        main,
        ["diagnose", str(ground.store), str(b), "--from=depth", "--to=semantic",
         f"--transfer={gs[0]}", f"--out={out}", "--device=cpu"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(out / "index.html")
    assert "linear CKA" in done.stdout
    page = (out / "index.html").read_text()
    assert "how to read it" in page and "data:image/" in page
    found = measured(out / "index.html")
    assert set(found) == {
        "separability", "frechet", "mmd", "mean_shift", "scale_shift", "norm_ratio", "cka",
    }  # fmt: skip
    assert 0 < found["cka"] < 1
    channels = list(csv.DictReader((out / "channels.csv").read_text().splitlines()))
    shifts = [abs(float(row["shift"])) for row in channels if row["shift"]]
    assert np.mean(shifts) == pytest.approx(found["mean_shift"], rel=1e-4)
    (scores,) = scored(out / "index.html")["networks"].values()
    there = {key for key, value in scores.items() if value is not None}
    assert there == {"held_out_loss", "explained_variance", "outside", "outside_on_a"}  # no N2
    assert "--target-run gives N2" in done.stdout


def test_gs_are_scored_by_all_that_is_there(ground, both, gs, tmp_path):
    predictions = predict(
        Prediction(
            run=ground.other, domain=f"{ground.folder / 'b'}:train", out=tmp_path / "other",
            device="cpu", save_logits=True,
        )
    )  # fmt: skip
    out = tmp_path / "page"
    done = CliRunner().invoke(
        main,
        ["diagnose", str(ground.store), str(both), "--from=depth", f"--target-run={ground.n2}",
         *(f"--transfer={g}" for g in gs), f"--predictions={predictions}",
         f"--rehearsal={ground.store}", f"--out={out}", "--device=cpu"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = scored(out / "index.html")["networks"]
    assert list(found) == ["g0", "g1", "head", "other", "baseline: N2 as it is"]
    everything = set(found["g0"]) - {"cross_task"}  # of which test_cross_task.py speaks
    lacking = {
        name: {key for key in everything if scores[key] is None} for name, scores in found.items()
    }
    own = {"held_out_loss", "explained_variance", "on_a", "on_rehearsal", "outside_on_a", "outside"}
    of_networks = own | {"on_a_second", "on_rehearsal_second"}
    seeds, views = {"seeds", "seeds_second"}, {"views", "views_second"}
    assert lacking["g0"] == lacking["g1"] == set()
    assert lacking["head"] == {"explained_variance", "outside", "outside_on_a"} | seeds
    assert lacking["other"] == of_networks | seeds | views
    assert lacking["baseline: N2 as it is"] == of_networks | seeds | {"baseline", "baseline_second"}
    assert 0 < found["g0"]["entropy"] <= 1 and found["g0"]["density"] > 0
    for text in ("mIoU vs other seeds", "entropy", "has not been measured"):
        assert text in done.stdout
    page = (out / "index.html").read_text()
    assert page.index("Will it hold on B?") < page.index("How far are the domains apart?")


def test_the_same_g_twice_agrees_with_itself(ground, both, gs, tmp_path):
    folder = decode(
        Decoding(
            transfer=gs[0], decoder=ground.n2, encoder=ground.n1, out=tmp_path / "again",
            domain=f"{ground.folder / 'b'}:train", device="cpu",
        )
    )  # fmt: skip
    config = Diagnosis(
        ground.store, both, "depth", tmp_path / "page", transfers=tuple(gs[:2]),
        target_run=ground.n2, predictions=(folder,), device="cpu",
    )  # fmt: skip
    found = scored(diagnose(config))["networks"]
    assert found["again"]["baseline"] == pytest.approx(found["g0"]["baseline"], abs=1e-3)
    assert found["again"]["entropy"] is None  # its logits were not kept
    config = replace(config, transfers=(), target="semantic", out=tmp_path / "alone")
    alone = scored(diagnose(config))["networks"]
    assert alone["again"]["baseline"] == pytest.approx(found["again"]["baseline"])


def test_what_does_not_go_with_the_stores_is_refused(ground, both, gs, tmp_path):
    def refused(problem, error=MismatchError, **changes):
        standard = {"transfers": (gs[0],), "target_run": ground.n2, "device": "cpu"} | changes
        with pytest.raises(error, match=problem):
            diagnose(Diagnosis(ground.store, both, "depth", tmp_path / "page", **standard))
        assert not (tmp_path / "page").exists()

    refused("goes with another N2|was not made by", target_run=ground.other)
    refused("is a head, which makes no features", UserError, transfers=(gs[2],), target_run=None)
    refused("--target-run: is for scores", UserError, transfers=())
    refused("--rehearsal: needs N2", UserError, target_run=None, rehearsal=ground.store)
    refused("--predictions: needs N2", UserError, target_run=None, predictions=(gs[0],))
    refused("name E2's features in A by --to", UserError, transfers=(), predictions=(gs[0],))
    refused("holds images of b, B itself, whose labels may choose", UserError, rehearsal=both)
    bare = ground.extracted("a-bare", labels=())
    refused("holds no 'semantic' labels of its own to rehearse", UserError, rehearsal=bare)
    elsewhere = predict(
        Prediction(run=ground.n2, domain=ground.domain, out=tmp_path / "a", device="cpu")
    )
    refused("predictions of other images", predictions=(elsewhere,))
    small = predict(
        Prediction(
            run=ground.n2, domain=f"{ground.folder / 'b'}:train", out=tmp_path / "small",
            resize=(16, 16), device="cpu",
        )
    )  # fmt: skip
    refused("of another view", predictions=(small,))
    index = small / "predictions.json"
    content = json.loads(index.read_text())
    content["label_space"]["classes"][0] = "moon"
    index.write_text(json.dumps(content))
    refused("of other classes", predictions=(small,))
    depth = predict(
        Prediction(
            run=ground.n1, domain=f"{ground.folder / 'b'}:train", out=tmp_path / "d", device="cpu"
        )
    )
    refused("holds predictions of 'depth', not 'semantic'", predictions=(depth,))


def test_a_domain_is_not_told_from_itself(ground, tmp_path):
    found = measured(diagnose(Diagnosis(ground.store, ground.store, "depth", tmp_path / "page")))
    assert found["frechet"] == pytest.approx(0, abs=1e-6)
    assert found["norm_ratio"] == 1
    assert found["separability"] < 0.75  # of twelve images
    assert "cka" not in found


def test_a_cloud_is_of_plain_views_alone_and_of_one_seed(ground):
    store = open_store(ground.store)
    level = store.levels()[-1]
    reader = store.features(level, "depth")
    one, same = (cloud(store, reader, seed=0) for _ in range(2))
    assert one.means.shape == (12, reader.shape[1])
    assert set(one.image) == set(range(12))
    assert (one.vectors == same.vectors).all()
    plain = reader.read_all(progress=False)[np.asarray(store.samples.view) == 0].astype(np.float64)
    assert one.moments.mean == pytest.approx(plain.mean(axis=(0, 2, 3)))
    assert one.moments.std == pytest.approx(plain.std(axis=(0, 2, 3)), abs=1e-9)


def test_of_more_images_than_vectors_some_have_none(ground, monkeypatch):
    monkeypatch.setattr("atdt.diagnose.clouds.MOST", 5)
    store = open_store(ground.store)
    found = cloud(store, store.features(store.levels()[-1], "depth"))
    assert len(found.vectors) == len(found.means) == 4  # every third of twelve


def test_a_map_shows_so_many_dots_at_most(ground, monkeypatch):
    monkeypatch.setattr("atdt.diagnose.maps.MOST", 7)
    store = open_store(ground.store)
    whole = cloud(store, store.features(store.levels()[-1], "depth"))
    drawn = maps({"A": whole, "B": whole}, seed=0).figure.axes[0].collections
    assert [len(dots.get_offsets()) for dots in drawn] == [7, 7]


def test_stores_of_other_encoders_or_few_images_are_refused(ground, b, tmp_path):
    spec = write_domain(ground.folder / "c", 3)
    few = ground.extracted("few", domain=spec, encoders=((None, ground.n1),), labels=())
    with pytest.raises(UserError, match="has 3 images; 5 are needed"):
        diagnose(Diagnosis(ground.store, few, "depth", tmp_path / "page"))
    other = ground.extracted("other", domain=spec, encoders=(("depth", ground.n2),), labels=())
    with pytest.raises(MismatchError, match="is not the E1 of"):
        diagnose(Diagnosis(ground.store, other, "depth", tmp_path / "page"))
    with pytest.raises(UserError, match="has no features 'normals'"):
        diagnose(Diagnosis(ground.store, b, "normals", tmp_path / "page"))
    assert not (tmp_path / "page").exists()
