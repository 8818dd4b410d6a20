import json

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.decode.folder import PredictionsWriter
from atdt.predictions import LEDGER
from atdt.stores import SampleTable, create_store
from atdt.texts import write_json


@pytest.fixture
def store(tmp_path):
    table = SampleTable(
        sample_id=["a#0", "b#0", "c#0"],
        image=["a.png", "b.png", "c.png"],
        view=[0] * 3,
        flip=[False] * 3,
        box=[[0, 0, 4, 6]] * 3,
        size=[[4, 6]] * 3,
    )
    domain = {"name": "streets-a", "split": "train", "digest": "d" * 64}
    store = create_store(tmp_path / "a.zarr", table, {"views": 1}, domain, 2)
    values = np.linspace(0, 1, 3 * 2 * 2 * 3, dtype=np.float32).reshape(3, 2, 2, 3)
    for name, blocks in (("depth", [0, 1]), ("semantic", [1])):
        provenance = {"task": name, "network": {"name": "tiny"}}
        with store.feature_writer("level4", name, (2, 2, 3), "float16", provenance) as writer:
            for block in blocks:
                writer.write_block(block, values[2 * block : 2 * block + 2])
            if not writer.missing_blocks():
                writer.finish()
    return store


def invoke(*arguments):
    done = CliRunner().invoke(main, ["inspect", *map(str, arguments)])
    assert done.exception is None or done.exit_code == 2, done.exception
    return done


def test_a_store(store):
    done = invoke(store.path)
    assert done.exit_code == 0
    for part in (
        "feature store, schema 1",
        "name streets-a, split train",
        "3 (3 images, 1 views)",
        "2 of 2 samples",
        "3×2×2×3",
        "incomplete, 1/2 blocks",
        "network.name  tiny",
        "<xarray.Dataset>",
        "level4/semantic: incomplete, 1 of 2 blocks are committed",
    ):
        assert part in done.output.replace(str(store.path) + "/", ""), part


def test_markup_in_names_is_shown_and_not_obeyed(store):
    with store.feature_writer("level4", "third", (1, 1, 1), "float16", {"run": "[red]x[/red]"}):
        pass
    assert "[red]x[/red]" in invoke(store.path).output


def test_a_store_as_json(store):
    told = json.loads(invoke(store.path, "--json").output)
    assert told["arrays"]["level4/depth"]["status"] == "complete"


def test_a_store_without_arrays(store, tmp_path):
    create_store(tmp_path / "b.zarr", store.samples, {}, {}, 2)
    assert "no arrays yet" in invoke(tmp_path / "b.zarr").output


def test_a_run(tmp_path):
    info = {
        "schema": 1,
        "kind": "task-network",
        "complete": False,
        "config": {"task": "depth", "steps": 100},
        "provenance": {"command": "atdt train-task"},
        "scores": {},
    }
    write_json(tmp_path / "run.json", info)
    done = invoke(tmp_path)
    assert done.exit_code == 0
    for part in ("run, task-network, unfinished", "steps  100", "atdt train-task", "--resume"):
        assert part in done.output
    assert json.loads(invoke(tmp_path, "--json").output)["config"]["steps"] == 100


def test_something_else(tmp_path):
    done = invoke(tmp_path)
    assert done.exit_code == 2
    assert "not a feature store" in done.output


def made_step_by_step(folder):
    """A writer of predictions of two images: after one, after both, and finished."""
    with PredictionsWriter(
        folder,
        {
            "task": "depth",
            "label_space": {"name": "shared11", "classes": ["road"]},
            "domain": {"name": "b", "split": "test", "images": 2},
            "view": {},
            "method": {"kind": "network", "run": {"name": "n2"}},
            "mismatch": [],
        },
        ["a.png", "b.png"],
        ["predictions"],
    ) as writer:
        for image in ("a.png", "b.png"):
            file = writer.path("predictions", image).with_suffix(".npy")
            np.save(file, np.ones((1, 1), np.float32))
            writer.record({image: {"predictions": file}})
            yield writer
        writer.finish()
        yield writer


def test_predictions_in_the_making_and_made(tmp_path):
    for writer, said in zip(
        made_step_by_step(tmp_path / "made"),
        ("unfinished, 1 of 2 images", "unfinished, 2 of 2 images", "complete, 2 of 2 images"),
        strict=True,
    ):
        done = invoke(writer.folder)
        assert done.exit_code == 0
        for part in (f"predictions of depth, {said}", "method.kind", "network", "n2", "shared11"):
            assert part in done.output, part
        assert ("--resume" in done.output) == said.startswith("unfinished")
        told = json.loads(invoke(writer.folder, "--json").output)
        assert told["complete"] == said.startswith("complete")
        assert f"{told['predicted']} of {told['images']} images" in said


def test_damaged_predictions_are_one_line(tmp_path):
    (tmp_path / LEDGER).write_text("{\n")
    done = invoke(tmp_path)
    assert done.exit_code == 2
    assert "damaged; start anew with --overwrite" in done.output
