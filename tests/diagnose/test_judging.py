"""Figures on a store are those of decoding and evaluating, those across two cameras too."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from atdt.decode import Decoding, decode
from atdt.diagnose.judging import focal_ratios, judge_on, judge_on_a
from atdt.diagnose.scores.figures import across_cameras, figure_of, true_figures
from atdt.domains import ViewPlan, label_space, open_domain
from atdt.domains.streets import RenderConfig, render
from atdt.evaluate import Evaluation, evaluate
from atdt.extract import Extraction, extract
from atdt.stores import open_store
from atdt.tasks import get_task
from atdt.transfer import TransferTraining, load_transfer, train
from atdt.transfer.setting import prepare
from tests.made_ground import write_network

CPU = torch.device("cpu")
SIZE = (20, 40)
TRAINED = 17.0  # focal length in pixels that N2 says it was trained under


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    render(RenderConfig(folder, train=6, val=0, test=3, size=(24, 48), right=False, workers=1))
    write_network(folder / "n1", "semantic", 1)
    write_network(folder / "n2", "depth", 2, training_focal=TRAINED)
    for letter, split in (("a", "train"), ("b", "test")):
        extract(
            Extraction(
                domain=f"{folder}/{letter}:{split}", out=folder / f"{letter}.zarr",
                encoders=((None, folder / "n1"), (None, folder / "n2")), labels=("depth",),
                plan=ViewPlan(views=2, resize=SIZE), device="cpu",
            )
        )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def training(streets):
    return TransferTraining(
        store=streets / "a.zarr", source="semantic", target="depth", out=streets / "g",
        target_run=streets / "n2", options={"width": 8}, steps=2, held_out=0.4, device="cpu",
    )  # fmt: skip


def test_figures_are_those_of_decoding_and_evaluating(streets, training, tmp_path):
    setting = prepare(training)
    g = load_transfer(train(training))
    found = judge_on(streets / "b.zarr", "semantic", setting).figures(g.module, CPU, "float32")
    folder = decode(
        Decoding(
            transfer=g.run.path, encoder=streets / "n1", decoder=streets / "n2", device="cpu",
            domain=f"{streets}/b:test", resize=SIZE, out=tmp_path / "predicted",
        )
    )  # fmt: skip
    path = evaluate(Evaluation(predictions=folder, domain=f"{streets}/b:test", bootstrap=0))
    scores = json.loads((path / "metrics.json" if path.is_dir() else path).read_text())["scores"]
    for key in ("abs_rel", "focal/abs_rel", "scale_free/silog"):
        assert found[key] == pytest.approx(scores[key], rel=2e-3), key
    on_a = judge_on_a(setting)
    assert len(on_a.samples) == len(setting.held_out.samples) > 0
    assert "focal/abs_rel" not in on_a.figures(g.module, CPU, "float32")


def test_an_unknown_focal_length_leaves_the_ratio_out(streets, training, tmp_path):
    setting, store = prepare(training), open_store(streets / "b.zarr")
    samples = np.arange(3)
    known = focal_ratios(store, setting.teacher, samples)
    focal = open_domain(f"{streets}/b:test").focal(0)
    assert known == pytest.approx([focal * 40 / 48 / TRAINED] * 3)
    gone = replace(store, domain=store.domain | {"path": str(tmp_path / "gone.toml")})
    assert focal_ratios(gone, setting.teacher, samples) is None
    untold = prepare(replace(training, target_run=write_network(tmp_path / "n2", "depth", 2)))
    assert focal_ratios(store, untold.teacher, samples) is None


def test_truths_are_across_cameras_where_that_was_measured():
    depth, semantic, space = get_task("depth"), get_task("semantic"), label_space("coarse4")
    assert across_cameras(depth, space, "headline").key == "focal/abs_rel"
    assert across_cameras(depth, space, "second").key == "scale_free/silog"
    assert across_cameras(get_task("edges"), space, "second") is None
    known = {"abs_rel", "focal/abs_rel", "scale_free/silog"}
    keys = [metric.key for metric in true_figures(depth, space, known)]
    assert keys == ["focal/abs_rel", "scale_free/silog"]
    assert [m.key for m in true_figures(depth, space, {"abs_rel"})] == ["abs_rel"]
    assert [m.key for m in true_figures(semantic, space, {"miou", "accuracy"})] == [
        "miou",
        "accuracy",
    ]
    assert figure_of(semantic, space, "second").key == "accuracy"
    assert true_figures(None, None, known) == []
