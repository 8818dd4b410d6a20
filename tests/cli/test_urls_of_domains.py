"""Verbs that make domains and predictions, with all of it in a bucket: as on a disk, to the bit."""

import sys

import pytest
from click.testing import CliRunner

from atdt import objects
from atdt.cli import main
from atdt.domains import open_domain
from atdt.errors import DomainError
from tests.made_ground import write_domain, write_network
from tests.made_objects import upload
from tests.made_sides import Sides

# In which the same result differs from itself.
VARYING = ("provenance", "seconds", "computed")


def invoke(*arguments: str) -> list[str]:
    """The lines that a command prints; its last is the path that it made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["atdt", *arguments])
        done = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def sides(s3_session, tmp_path_factory) -> Sides:
    from benchmarks.s3 import BUCKET

    here = tmp_path_factory.mktemp("here")
    return Sides(here, f"s3://{BUCKET}/{here.parent.name}-{here.name}", VARYING)


@pytest.fixture(scope="module")
def streets(sides) -> Sides:
    """A and B of streets."""
    sides.run("render", "--out=AT/streets", "--train=2", "--val=1", "--test=0", "--size=40x80",
               "--workers=2")  # fmt: skip
    return sides


@pytest.fixture(scope="module")
def predicted(sides) -> Sides:
    """Predictions of two networks with logits, of A and of B."""
    ground = sides.here / "ground"
    for letter, images in (("a", 4), ("b", 3)):
        write_domain(ground / letter, images)
    described = ground / "b/domain.toml"
    described.write_text(described.read_text().replace('name = "a"', 'name = "b"'))
    for seed in (1, 2):
        run = write_network(ground / f"n{seed}", "semantic", seed)
        for letter in "ab":
            where = [f"--domain={ground}/{letter}", f"--out={ground}/n{seed}-{letter}"]
            invoke("predict", str(run), *where, "--save-logits", "--device=cpu")
    upload(ground, f"{sides.away}/ground")
    return sides


def test_render(streets):
    made = streets.compare("streets")
    assert {"streets.json", "a/domain.toml", "b/train/image/000001.png"} <= made.keys()
    again = [f"--out={streets.away}/streets", "--train=2", "--val=1", "--test=0", "--size=40x80"]
    assert invoke("render", *again) == [f"{streets.away}/streets"]


@pytest.mark.parametrize("verb", ["match-camera", "rehearse"])
def test_a_domain_in_another_look(streets, verb):
    given = [verb, "AT/streets/a", "--to=AT/streets/b:train", f"--out=AT/{verb}"]
    streets.run(*given)
    made = streets.compare(verb)
    assert f"{verb}.json" in made and f"{verb}.partial.json" not in made
    assert len(open_domain(f"{streets.away}/{verb}:train", labels=["depth"])) == 2


def test_depth_of_pairs_becomes_labels_in_another_encoding(streets, s3):
    streets.run("proxy-depth", "AT/streets/a:train", "--out=AT/pairs", "--workers=2")
    streets.compare("pairs")
    s3.forget()
    streets.run("convert", "AT/streets/a:train", "--out=AT/converted", "--depth-encoding=npy",
                 "--predictions=AT/pairs")  # fmt: skip
    assert not any(m == "GET" and "a/train/right/" in path for m, path in s3.requests)
    # but for a digest of predictions, with their time
    made = streets.compare("converted", but=["convert.json"])
    domain = open_domain(f"{streets.away}/converted:train", labels=["depth", "semantic"])
    assert domain.encodings["depth"] == "npy"
    assert made["train/image/000000.png"] == streets.get("streets/a/train/image/000000.png")


def test_a_domain_of_a_disk_goes_to_a_bucket_and_back(streets):
    invoke("convert", f"{streets.here}/streets/b:train", f"--out={streets.away}/sent", "--copy")
    invoke("convert", f"{streets.away}/sent", f"--out={streets.here}/sent")
    sent = streets.compare("sent", but=["convert.json"])  # from other names
    assert len([name for name in sent if name.endswith(".png")]) == 2 * 5


def test_what_was_cut_off_is_no_domain_and_is_gone_on_with(streets, s3, monkeypatch):
    from atdt.domains import remaking

    given = ["convert", f"{streets.away}/streets/a:train", f"--out={streets.away}/cut"]
    out = streets.there("cut")
    out.fs.pipe_file(f"{out.path}/", b"")  # a folder, as consoles make them
    with monkeypatch.context() as patch:
        patch.setattr(remaking, "write_domain", interrupted)
        assert CliRunner().invoke(main, given).exit_code == 130
    with pytest.raises(DomainError, match="no such file"):
        open_domain(f"{streets.away}/cut:train")
    other = [given[0], f"{streets.away}/streets/b:train", given[2]]
    assert "from other things" in CliRunner().invoke(main, other).stderr
    s3.forget()
    invoke(*given)
    assert not any(m == "PUT" and path.endswith(".png") for m, path in s3.requests)
    invoke("convert", f"{streets.here}/streets/a:train", f"--out={streets.here}/cut")
    streets.compare("cut")
    s3.forget()
    invoke(*given)
    assert s3.counts()["PUT"] == 0


def test_labels_of_a_model(streets, tmp_path, monkeypatch):
    code = "import numpy as np\n\ndef near(image):\n    return image[..., 0].astype(float)\n"
    (tmp_path / "model_of_urls.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    streets.run("pseudo-label", "model_of_urls:near", "AT/streets/b:train", "--out=AT/near",
                 "--allow-import")  # fmt: skip
    assert len(streets.compare("near")) == 3


def test_pictures(streets):
    given = ["colorize", "AT/streets/a:val", "--out=AT/colours", "--labels=depth"]
    streets.run(*given)
    assert len(streets.compare("colours")) == 1
    there = [argument.replace("AT", streets.away) for argument in given]
    assert "--overwrite writes over" in CliRunner().invoke(main, there).stderr
    line = CliRunner().invoke(main, ["colorize", "s3://nowhere/p", "--out=x"]).stderr
    assert "s3://nowhere/p: no such bucket" in line


def test_looks_are_learnt_and_given(streets, s3):
    streets.run("train-cyclegan", "--a=AT/streets/a:train", "--b=AT/streets/b:train",
                 "--out=AT/looks", "--steps=2", "--width=2", "--blocks=0", "--device=cpu",
                 "--checkpoint-every=1", "--crop=32x32")  # fmt: skip
    made = streets.compare("looks")
    assert {"weights.safetensors", "looks.png", "curves.csv"} <= made.keys()
    s3.forget()
    given = ["adapt", "AT/looks", "AT/streets/a", "--to=b", "--out=AT/adapted", "--device=cpu"]
    streets.run(*given)
    assert not any(m == "GET" and "/a/train/depth/" in path for m, path in s3.requests)
    copies = [path for m, path in s3.requests if m == "PUT" and "/adapted/files/" in path]
    assert len(copies) == len(set(copies)) == 3 * 4  # image and three labels, once each
    made = streets.compare("adapted")
    assert {"domain.toml", "adaptation.json", "files/val/semantic/000000.png"} <= made.keys()
    assert len(open_domain(f"{streets.away}/adapted:train", labels=["depth"])) == 2
    there = [argument.replace("AT", streets.away) for argument in given]
    assert "--resume goes on" in CliRunner().invoke(main, there).stderr
    s3.forget()
    invoke(*there, "--resume")
    assert not any(m == "PUT" and "/files/" in path for m, path in s3.requests)
    invoke(*there, "--overwrite")
    streets.compare("adapted")


def test_pictures_of_predictions(predicted):
    predicted.run("colorize", "AT/ground/n1-b", "--out=AT/colours-of-b")
    assert len(predicted.compare("colours-of-b")) == 3


def test_merging(predicted):
    folders = ["AT/ground/n1-b", "AT/ground/n2-b"]
    learn = ["--learn-from=AT/ground/n1-a", "--learn-from=AT/ground/n2-a"]
    predicted.run("merge", *folders, "--out=AT/merged", "--by=learnt", "--a=AT/ground/a", *learn)
    assert len(predicted.compare("merged")) == 2 * 3 + 1


def test_students(predicted, monkeypatch):
    given = ["distill", "AT/ground/n1-b", "AT/ground/n2-b", "--b=AT/ground/b", "--batch=2",
             "--train=AT/ground/a", "--out=AT/students", "--steps=1", "--device=cpu"]  # fmt: skip
    predicted.run(*given)
    there = [argument.replace("AT", predicted.away) for argument in given]
    assert "--resume goes on with them" in CliRunner().invoke(main, there).stderr
    predicted.run(*given, "--rounds=2", "--resume")
    # but for digests again
    made = predicted.compare("students", but=["round1/run.json", "round2/run.json"])
    assert {"round2/weights.safetensors", "labels1/predictions.json"} <= made.keys()
    of_b = [*there, f"--train={predicted.away}/ground/b", "--overwrite"]
    assert "neither teach nor choose" in CliRunner().invoke(main, of_b).stderr
    module = sys.modules["atdt.experiments.distill.distill"]
    monkeypatch.setattr(module, "trusted", interrupted)
    assert CliRunner().invoke(main, [*there, "--overwrite"]).exit_code == 130
    assert objects.entries(predicted.there("students")) == {}


def test_pseudo_labels_are_read_there(predicted):
    predicted.run("train-task", "--task=semantic", "--train=AT/ground/a", "--out=AT/taught",
                   "--pseudo=AT/ground/b=AT/ground/n1-b", "--steps=1", "--batch=2",
                   "--device=cpu")  # fmt: skip
    assert "weights.safetensors" in predicted.compare("taught")
