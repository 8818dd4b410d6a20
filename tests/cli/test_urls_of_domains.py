"""Verbs that make domains and predictions, with all of it in a bucket: as on a disk, to the bit."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from atdt import objects
from atdt.cli import main
from atdt.domains import open_domain
from atdt.errors import DomainError
from atdt.places import place
from tests.made_ground import write_domain, write_network
from tests.made_objects import upload

KEYS = ("--storage-options=key=nobody", "--storage-options=secret=unsayable")
TOLD = (  # where, and when
    *("root", "list", "from", "provenance", "run", "domain", "config", "seconds", "spec", "path"),
    *("pseudo_labels", "computed"),
)


@dataclass
class Sides:
    """The same folder on a disk and in a bucket."""

    here: Path
    there: str
    said: list[str] = field(default_factory=list)

    def both(self, verb: str, *arguments: str) -> None:
        """Run a command on either side; `{}` stands for the folder."""
        for base, keys in ((str(self.here), ()), (self.there, KEYS)):
            self.said = invoke(verb, *(a.replace("{}", base) for a in arguments), *keys)

    def same(self, name: str, *but: str) -> dict[str, bytes]:
        """What lies in a folder on both sides, if it is the same to the byte, `but` for some."""
        root = self.here / name
        ours = {f.relative_to(root).as_posix(): f for f in root.rglob("*") if f.is_file()}
        ours = {file: path.read_bytes() for file, path in ours.items()}
        theirs = {file: self.get(f"{name}/{file}") for file in objects.below(self.at(name))}
        assert not any(b"unsayable" in data for data in theirs.values())
        ours, theirs = (
            {file: data for file, data in side.items() if "tensorboard/" not in file}  # of a time
            for side in (ours, theirs)
        )
        assert theirs.keys() == ours.keys() != set()
        for file in ours.keys() - set(but):
            assert known(file, theirs[file]) == known(file, ours[file]), file
        return ours

    def at(self, name: str) -> Path:
        return place(f"{self.there}/{name}")

    def get(self, name: str) -> bytes:
        return objects.get(self.at(name))


def known(name: str, data: bytes) -> object:
    """A file without what must differ: places, times and versions."""
    return stripped(json.loads(data)) if name.endswith(".json") else data


def stripped(content: object) -> object:
    if isinstance(content, list):
        return [stripped(value) for value in content]
    if isinstance(content, dict):
        return {
            key: stripped(value)
            for key, value in content.items()
            if key not in TOLD or (isinstance(value, dict) and "digest" in value)
        }
    return content


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
    return Sides(here, f"s3://{BUCKET}/{here.parent.name}-{here.name}")


@pytest.fixture(scope="module")
def streets(sides) -> Sides:
    """A and B of streets."""
    sides.both("render", "--out={}/streets", "--train=2", "--val=1", "--test=0", "--size=40x80",
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
    upload(ground, f"{sides.there}/ground")
    return sides


def test_render(streets):
    made = streets.same("streets")
    assert {"streets.json", "a/domain.toml", "b/train/image/000001.png"} <= made.keys()
    assert streets.said == [f"{streets.there}/streets"]
    streets.both("render", "--out={}/streets", "--train=2", "--val=1", "--test=0",
                 "--size=40x80")  # fmt: skip


@pytest.mark.parametrize("verb", ["match-camera", "rehearse"])
def test_a_domain_in_another_look(streets, verb):
    given = [verb, "{}/streets/a", "--to={}/streets/b:train", f"--out={{}}/{verb}"]
    streets.both(*given)
    made = streets.same(verb)
    assert f"{verb}.json" in made and f"{verb}.partial.json" not in made
    assert len(open_domain(f"{streets.there}/{verb}:train", labels=["depth"])) == 2


def test_depth_of_pairs_becomes_labels_in_another_encoding(streets, s3):
    streets.both("proxy-depth", "{}/streets/a:train", "--out={}/pairs", "--workers=2")
    streets.same("pairs")
    s3.forget()
    streets.both("convert", "{}/streets/a:train", "--out={}/converted", "--depth-encoding=npy",
                 "--predictions={}/pairs")  # fmt: skip
    assert not any(m == "GET" and "a/train/right/" in path for m, path in s3.requests)
    made = streets.same("converted", "convert.json")  # a digest of predictions, with their time
    domain = open_domain(f"{streets.there}/converted:train", labels=["depth", "semantic"])
    assert domain.encodings["depth"] == "npy"
    assert made["train/image/000000.png"] == streets.get("streets/a/train/image/000000.png")


def test_a_domain_of_a_disk_goes_to_a_bucket_and_back(streets):
    invoke("convert", f"{streets.here}/streets/b:train", f"--out={streets.there}/sent", "--copy")
    invoke("convert", f"{streets.there}/sent", f"--out={streets.here}/sent")
    sent = streets.same("sent", "convert.json")  # from other names
    assert len([name for name in sent if name.endswith(".png")]) == 2 * 5


def test_what_was_cut_off_is_no_domain_and_is_gone_on_with(streets, s3, monkeypatch):
    from atdt.domains import remaking

    given = ["convert", f"{streets.there}/streets/a:train", f"--out={streets.there}/cut"]
    out = streets.at("cut")
    out.fs.pipe_file(f"{out.path}/", b"")  # a folder, as consoles make them
    with monkeypatch.context() as patch:
        patch.setattr(remaking, "write_domain", interrupted)
        assert CliRunner().invoke(main, given).exit_code == 130
    with pytest.raises(DomainError, match="no such file"):
        open_domain(f"{streets.there}/cut:train")
    other = [given[0], f"{streets.there}/streets/b:train", given[2]]
    assert "from other things" in CliRunner().invoke(main, other).stderr
    s3.forget()
    invoke(*given)
    assert not any(m == "PUT" and path.endswith(".png") for m, path in s3.requests)
    invoke("convert", f"{streets.here}/streets/a:train", f"--out={streets.here}/cut")
    streets.same("cut")
    s3.forget()
    invoke(*given)
    assert s3.counts()["PUT"] == 0


def test_labels_of_a_model(streets, tmp_path, monkeypatch):
    code = "import numpy as np\n\ndef near(image):\n    return image[..., 0].astype(float)\n"
    (tmp_path / "model_of_urls.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    streets.both("pseudo-label", "model_of_urls:near", "{}/streets/b:train", "--out={}/near",
                 "--allow-import")  # fmt: skip
    assert len(streets.same("near")) == 3


def test_pictures(streets):
    given = ["colorize", "{}/streets/a:val", "--out={}/colours", "--labels=depth"]
    streets.both(*given)
    assert len(streets.same("colours")) == 1
    there = [argument.replace("{}", streets.there) for argument in given]
    assert "--overwrite writes over" in CliRunner().invoke(main, there).stderr
    line = CliRunner().invoke(main, ["colorize", "s3://nowhere/p", "--out=x"]).stderr
    assert "s3://nowhere/p: no such bucket" in line


def test_looks_are_learnt_and_given(streets, s3):
    streets.both("train-cyclegan", "--a={}/streets/a:train", "--b={}/streets/b:train",
                 "--out={}/looks", "--steps=2", "--width=2", "--blocks=0", "--device=cpu",
                 "--checkpoint-every=1", "--crop=32x32")  # fmt: skip
    made = streets.same("looks")
    assert {"weights.safetensors", "looks.png", "curves.csv"} <= made.keys()
    s3.forget()
    given = ["adapt", "{}/looks", "{}/streets/a", "--to=b", "--out={}/adapted", "--device=cpu"]
    streets.both(*given)
    assert not any(m == "GET" and "/a/train/depth/" in path for m, path in s3.requests)
    copies = [path for m, path in s3.requests if m == "PUT" and "/adapted/files/" in path]
    assert len(copies) == len(set(copies)) == 3 * 4  # image and three labels, once each
    made = streets.same("adapted")
    assert {"domain.toml", "adaptation.json", "files/val/semantic/000000.png"} <= made.keys()
    assert len(open_domain(f"{streets.there}/adapted:train", labels=["depth"])) == 2
    there = [argument.replace("{}", streets.there) for argument in given]
    assert "--resume goes on" in CliRunner().invoke(main, there).stderr
    s3.forget()
    invoke(*there, "--resume")
    assert not any(m == "PUT" and "/files/" in path for m, path in s3.requests)
    invoke(*there, "--overwrite")
    streets.same("adapted")


def test_pictures_of_predictions(predicted):
    predicted.both("colorize", "{}/ground/n1-b", "--out={}/colours-of-b")
    assert len(predicted.same("colours-of-b")) == 3


def test_merging(predicted):
    folders = ["{}/ground/n1-b", "{}/ground/n2-b"]
    learn = ["--learn-from={}/ground/n1-a", "--learn-from={}/ground/n2-a"]
    predicted.both("merge", *folders, "--out={}/merged", "--by=learnt", "--a={}/ground/a", *learn)
    assert len(predicted.same("merged")) == 2 * 3 + 1


def test_students(predicted, monkeypatch):
    given = ["distill", "{}/ground/n1-b", "{}/ground/n2-b", "--b={}/ground/b", "--batch=2",
             "--train={}/ground/a", "--out={}/students", "--steps=1", "--device=cpu"]  # fmt: skip
    predicted.both(*given)
    there = [argument.replace("{}", predicted.there) for argument in given]
    assert "--resume goes on with them" in CliRunner().invoke(main, there).stderr
    predicted.both(*given, "--rounds=2", "--resume")
    made = predicted.same("students", "round1/run.json", "round2/run.json")  # digests again
    assert {"round2/weights.safetensors", "labels1/predictions.json"} <= made.keys()
    of_b = [*there, f"--train={predicted.there}/ground/b", "--overwrite"]
    assert "neither teach nor choose" in CliRunner().invoke(main, of_b).stderr
    module = sys.modules["atdt.experiments.distill.distill"]
    monkeypatch.setattr(module, "trusted", interrupted)
    assert CliRunner().invoke(main, [*there, "--overwrite"]).exit_code == 130
    assert objects.entries(predicted.at("students")) == {}


def test_pseudo_labels_are_read_there(predicted):
    predicted.both("train-task", "--task=semantic", "--train={}/ground/a", "--out={}/taught",
                   "--pseudo={}/ground/b={}/ground/n1-b", "--steps=1", "--batch=2",
                   "--device=cpu")  # fmt: skip
    assert "weights.safetensors" in predicted.same("taught")
