"""`predict`, `decode`, `evaluate` and `train-task` with domain, runs and results in a bucket."""

import json

import pytest
from click.testing import CliRunner

from atdt import objects
from atdt.cli import main
from atdt.decode.folder import PredictionsWriter
from atdt.domains import open_domain
from atdt.errors import DomainError
from atdt.places import place
from atdt.predictions import open_predictions
from atdt.runs import open_run
from tests.made_ground import make_ground
from tests.made_objects import download, upload


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    return make_ground(tmp_path_factory.mktemp("ground"))


@pytest.fixture
def away(ground, bucket) -> str:
    """All of it in a bucket."""
    return upload(ground.folder, f"{bucket}/all")


def spec_of(away: str, ground) -> str:
    local, _, split = ground.domain.rpartition(":")
    return f"{away}/{local.removeprefix(str(ground.folder) + '/')}:{split}"


def at(away: str, ground, path) -> str:
    return f"{away}/{path.relative_to(ground.folder).as_posix()}"


def invoke(*arguments: object):
    done = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def predictions_of(folder) -> dict[str, bytes]:
    files = {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*.*")}
    return {name: data for name, data in files.items() if name.startswith("predictions/")}


def test_predictions_and_their_metrics_are_those_made_on_the_disk(ground, away, bucket, tmp_path):
    spec, run = spec_of(away, ground), at(away, ground, ground.n2)
    out = f"{bucket}/p"
    invoke("predict", run, f"--domain={spec}", f"--out={out}", "--save-logits")
    here = tmp_path / "p"
    invoke("predict", ground.n2, f"--domain={ground.domain}", f"--out={here}", "--save-logits")
    down = download(out, tmp_path / "down")
    assert predictions_of(down) == predictions_of(here) != {}
    assert not (down / "progress.jsonl").exists()
    made = open_predictions(out)
    assert made.domain["digest"] == open_predictions(here).domain["digest"]
    image = made.images[0]
    assert (made.output(image) == open_predictions(here).output(image)).all()
    invoke("evaluate", out, f"--domain={spec}")
    invoke("evaluate", here, f"--domain={ground.domain}")
    there, ours = (
        json.loads(data)
        for data in (
            objects.get(place(f"{out}/metrics.json")),
            (here / "metrics.json").read_bytes(),
        )
    )
    assert there["metrics"] == ours["metrics"]
    shown = " ".join(invoke("inspect", out).stdout.split())
    assert f"{out}: predictions of semantic, complete" in shown


def test_images_take_a_request_each_and_are_looked_up_by_folders(ground, away, s3):
    domain = open_domain(spec_of(away, ground), labels=["semantic"])
    s3.forget()
    assert domain.digest() == open_domain(ground.domain).digest()
    assert len(s3.requests) <= 1
    s3.forget()
    for index in range(len(domain)):
        assert (domain.image(index) == open_domain(ground.domain).image(index)).all()
    assert s3.counts() == {"GET": len(domain)}


@pytest.mark.parametrize("path", ["../n1/run.json", "/image/0.png", "s3://other/image/0.png"])
def test_no_path_of_a_list_leaves_the_root(ground, away, path):
    spec = spec_of(away, ground)
    listed = place(spec.rpartition(":")[0]) / "train.txt"
    objects.put(listed, f"{path};_\n".encode())
    with pytest.raises(DomainError, match=r"train\.txt:1: .*(below s3://|no such file)"):
        open_domain(spec)


@pytest.mark.parametrize(("root", "message"), [
    ("file:///etc", "must be s3://"), ("/etc", "write a path below"), ("..", "write a path below"),
])  # fmt: skip
def test_a_description_leads_to_no_files_of_this_machine(ground, away, root, message):
    spec = spec_of(away, ground)
    file = place(spec.rpartition(":")[0]) / "domain.toml"
    objects.put(file, f'root = "{root}"\n'.encode() + objects.get(file))
    with pytest.raises(DomainError, match=message):
        open_domain(spec)


def test_predictions_that_were_cut_off_are_gone_on_with(
    ground, away, bucket, tmp_path, monkeypatch
):
    from atdt.decode import ledger

    monkeypatch.setattr(ledger, "SEND_EVERY", 0.0)
    record, recorded = PredictionsWriter.record, []

    def dying(self, written):
        record(self, written)
        recorded.extend(written)
        if len(recorded) >= 2:
            raise KeyboardInterrupt

    spec = spec_of(away, ground)
    given = ["predict", str(ground.n2), f"--domain={spec}", f"--out={bucket}/p", "--batch=1"]
    monkeypatch.setattr(PredictionsWriter, "record", dying)
    stopped = CliRunner().invoke(main, given)
    assert stopped.exit_code == 130
    monkeypatch.setattr(PredictionsWriter, "record", record)
    assert "--resume goes on" in CliRunner().invoke(main, given).output
    listed = objects.get(place(f"{bucket}/p/progress.jsonl")).splitlines()
    assert len(listed) == 3
    invoke(*given, "--resume")
    here = f"--out={tmp_path / 'p'}"
    invoke("predict", ground.n2, f"--domain={ground.domain}", here, "--batch=1")
    down = download(f"{bucket}/p", tmp_path / "down")
    assert predictions_of(down) == predictions_of(tmp_path / "p")
    invoke(*given, "--overwrite")


def test_decode_from_a_store_and_runs_in_a_bucket(ground, away, bucket, tmp_path):
    for base, store in ((bucket, at(away, ground, ground.store)), (tmp_path, ground.store)):
        target = at(away, ground, ground.n2) if base == bucket else ground.n2
        how = ["--from=depth", "--to=semantic", "--steps=2", "--width=8", "--device=cpu"]
        invoke("train", store, *how, f"--target-run={target}", f"--out={base}/g")
        decoder = f"--decoder={target}"
        invoke("decode", f"{base}/g", f"--store={store}", decoder, f"--out={base}/d")
    down = download(f"{bucket}/d", tmp_path / "down")
    assert predictions_of(down) == predictions_of(tmp_path / "d") != {}


def test_a_task_network_learns_from_and_into_a_bucket(ground, away, bucket):
    spec = spec_of(away, ground)
    given = ["train-task", "--task=semantic", f"--train={spec}", "--steps=2", "--batch=2"]
    invoke(*given, f"--out={bucket}/n", "--device=cpu", "--network=tiny")
    assert open_run(f"{bucket}/n").info["task"] == "semantic"
    assert "holds a finished run" in CliRunner().invoke(main, [*given, f"--out={bucket}/n"]).output
