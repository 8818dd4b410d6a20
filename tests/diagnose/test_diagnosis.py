"""`atdt diagnose`: from two stores to a page, or to a reason why not."""

import json

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.diagnose.clouds import cloud
from atdt.diagnose.diagnosis import Diagnosis, diagnose
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


def test_a_page_with_its_numbers_is_left_by_the_command(ground, b, tmp_path):
    g = train(
        TransferTraining(
            store=ground.store, source="depth", target="semantic", out=tmp_path / "g",
            options={"width": 8}, steps=3, device="cpu",
        )
    )  # fmt: skip
    out = tmp_path / "page"
    done = CliRunner().invoke(
        main,
        ["diagnose", str(ground.store), str(b), "--from=depth", "--to=semantic",
         f"--transfer={g}", f"--out={out}"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(out / "index.html")
    assert "linear CKA" in done.stdout
    page = (out / "index.html").read_text()
    assert "how to read it" in page and "data:image/" in page
    found = measured(out / "index.html")
    assert set(found) == {
        "separability", "frechet", "mmd", "mean_shift", "scale_shift", "norm_ratio",
        "cka", "outside_a", "outside_b",
    }  # fmt: skip
    assert 0 < found["cka"] < 1


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
