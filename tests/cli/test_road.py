"""The whole road on the command line, in process: every verb prints what the next one takes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from atdt.cli import main
from atdt.runs import open_run
from atdt.stores import open_store
from atdt.transfer import load_transfer


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """Runs a verb in a folder of its own and gives back the last line that it printed."""
    folder = tmp_path_factory.mktemp("road")

    def run(verb, *arguments):
        done = CliRunner().invoke(main, [verb, *map(str, arguments)])
        assert done.exit_code == 0, done.output
        return Path(done.stdout.strip().splitlines()[-1])

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def made(road):
    """Everything from images to G, by name."""
    out = road.folder
    sizes = ("--train", 4, "--val", 2, "--test", 2, "--size", "24x48", "--workers", 1)
    data = road("render", "--out", out / "data", *sizes)
    a, b = f"{data / 'a'}:train", f"{data / 'b'}:train"
    short = ("--steps", 2, "--batch", 2)
    n1 = road(
        "train-task", "--task", "edges", "--train", a, "--train", b, *short, "--out", out / "n1"
    )
    n2 = road("train-task", "--task", "normals", "--train", a, *short, "--out", out / "n2")
    runs = ("--encoder", n1, "--encoder", n2)
    store = road("extract", a, *runs, "--views", 2, "--labels", "normals", "--out", out / "a.zarr")
    pair = ("--from", "edges", "--to", "normals", "--target-run", n2)
    g = road("train", store, *pair, *short, "--out", out / "g")
    head = road("train", store, *pair, *short, "--architecture", "head", "--out", out / "head")
    of_b = road(
        "extract", f"{data / 'b'}:test", "--encoder", n1, "--views", 1, "--out", out / "b.zarr"
    )
    return {"data": data, "n1": n1, "n2": n2, "a": store, "b": of_b, "g": g, "head": head}


def test_what_g_makes_is_embedded_beside_what_it_is_to_be_like(road, made, tmp_path):
    a, b, g = (str(made[name]) for name in ("a", "b", "g"))
    out = road("embed", a, b, "--transfer", g, "--device", "cpu", "--out", tmp_path / "e")
    rows = [line.split("\t") for line in (out / "metadata.tsv").read_text().splitlines()]
    assert rows[0] == ["domain", "image", "features"]
    of_a, of_b = 4, 2  # images
    assert [row[2] for row in rows[1:]] == [
        *["G(edges)"] * of_a,
        *["normals"] * of_a,
        *["G(edges)"] * of_b,  # whose store has no E2
    ]
    vectors = np.loadtxt(out / "tensors.tsv", delimiter="\t")
    source = open_store(a).features("level4", "edges").read_all()[:of_a].astype(np.float32)
    module = load_transfer(g).module
    expected = module(torch.from_numpy(source)).mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(vectors[:of_a], expected, rtol=1e-3, atol=1e-4)
    for options, why in (
        (("--transfer", str(made["head"])), "is a head, which makes no features"),
        ((), "--array: name the encoder"),
        (("--transfer", g, "--array", "normals"), "give stores of the encoders that"),
    ):
        refused = CliRunner().invoke(main, ["embed", a, *options, "--out", str(tmp_path / "x")])
        assert refused.exit_code == 2 and why in refused.stderr
    assert not (tmp_path / "x").exists()


def test_g_predicts_what_was_never_labelled_on_b(road, made):
    test = f"{made['data'] / 'b'}:test"
    predictions = road("decode", made["g"], "--domain", test, "--out", road.folder / "atdt")
    metrics = json.loads(road("evaluate", predictions, "--domain", test).read_text())
    assert metrics["images"]["count"] == 2
    assert 0 < metrics["scores"]["mean"] < 180


def test_a_store_of_b_gives_the_same_predictions_as_its_images(road, made):
    test = f"{made['data'] / 'b'}:test"
    from_images = road("decode", made["g"], "--domain", test, "--out", road.folder / "images")
    from_store = road("decode", made["g"], "--store", made["b"], "--out", road.folder / "store")
    scores = [
        json.loads(road("evaluate", folder, "--domain", test).read_text())["scores"]["mean"]
        for folder in (from_images, from_store)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.5)  # degrees; float16 and 8-bit normals


def test_the_rivals_are_measured_by_the_same_verbs(road, made):
    train, test = (f"{made['data'] / 'b'}:{split}" for split in ("train", "test"))
    adapted = road("adapt-bn", made["n2"], "--domain", train, "--out", road.folder / "n2-bn")
    baseline = road("predict", made["n2"], "--domain", test, "--out", road.folder / "baseline")
    moved = road("predict", adapted, "--domain", test, "--out", road.folder / "adapted")
    head = road("decode", made["head"], "--domain", test, "--out", road.folder / "headed")
    means = [
        json.loads(road("evaluate", folder, "--domain", test).read_text())["scores"]["mean"]
        for folder in (baseline, moved, head)
    ]
    assert len(set(means)) == 3


def test_a_network_trained_elsewhere_comes_in(road, made):
    preprocessing = road.folder / "preprocessing.toml"
    preprocessing.write_text("mean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n")
    weights = made["n2"] / "weights.safetensors"
    run = road(
        "import", "--network", "tiny", "--weights", weights, "--task", "normals",
        "--label-space", "shared11", "--preprocessing", preprocessing,
        "--domain", f"{made['data'] / 'a'}:val", "--out", road.folder / "imported",
    )  # fmt: skip
    ours, theirs = open_run(made["n2"]).info, open_run(run).info
    assert theirs["encoder_sha256"] == ours["encoder_sha256"]


def test_stores_and_runs_are_shown_and_verified(road, made):
    for path in (made["a"], made["n1"], made["g"]):
        done = CliRunner().invoke(main, ["inspect", str(path)])
        assert done.exit_code == 0, done.output
        assert path.name in done.output
    done = CliRunner().invoke(main, ["verify", str(made["a"])])
    assert done.exit_code == 0, done.output
