"""`atdt consistency`: from predictions, or Gs and a store of B, to errors and maps."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from atdt.cli import main
from atdt.consistency import (
    CrossTaskTraining,
    Scoring,
    consistency_error,
    load_cross_task,
    score_consistency,
    train_cross_task,
)
from atdt.decode import Decoding, Prediction, decode, predict
from atdt.domains import open_domain
from atdt.errors import MismatchError, UserError
from atdt.training.load import load_task_network
from atdt.transfer import TransferTraining, train


@pytest.fixture(scope="session")
def g(ground, tmp_path_factory):
    return train(
        TransferTraining(
            store=ground.store,
            source="semantic",
            target="depth",
            out=tmp_path_factory.mktemp("g") / "g",
            options={"width": 8},
            steps=3,
            target_run=ground.n2,
            device="cpu",
        )
    )


@pytest.fixture(scope="session")
def predicted(ground, g, tmp_path_factory):
    """N2 on B without and with outputs kept, and G on B."""
    folder = tmp_path_factory.mktemp("predictions")
    plain = Prediction(run=ground.n2, domain=ground.b, out=folder / "plain", device="cpu")
    kept = replace(plain, out=folder / "kept", save_logits=True, save_dtype="float32")
    through = Decoding(
        transfer=g,
        domain=ground.b,
        encoder=ground.n1,
        decoder=ground.n2,
        out=folder / "through",
        device="cpu",
    )
    return predict(plain), predict(kept), decode(through)


@pytest.fixture
def config(ground, predicted, tmp_path):
    standard = Scoring(
        scored=predicted,
        cross_task=ground.r,
        out=tmp_path / "score",
        domain=ground.b,
        device="cpu",
    )
    return lambda **changes: replace(standard, **changes)


def rows(path):
    return {row["path"].rpartition("/")[2]: row for row in json.loads(path.read_text())["rows"]}


def test_the_score_is_the_mean_error_of_what_was_predicted(config, ground, predicted):
    found = rows(score_consistency(config(maps=True)))
    network, r = load_task_network(ground.n2).network, load_cross_task(ground.r)
    domain = open_domain(ground.b, labels=["semantic"])
    errors = {}
    for index, sample in enumerate(domain.samples):
        image = torch.from_numpy(domain.image(index)).movedim(2, 0)[None] / 255
        label = torch.from_numpy(domain.label(index, "semantic"))[None]
        with torch.no_grad():
            errors[sample.image] = consistency_error(r, network(image), label)[0]
    for name in ("plain", "kept"):
        expected = {image: float(error.mean()) for image, error in errors.items()}
        assert found[name]["images"] == pytest.approx(expected, rel=1e-4)
        assert found[name]["error"] == pytest.approx(np.mean(list(expected.values())), rel=1e-4)
        for image, error in errors.items():
            stem = image.rpartition(".")[0]
            kept = np.load(config().out / "maps" / found[name]["row"] / f"{stem}.npy")
            np.testing.assert_allclose(kept, error.numpy(), rtol=1e-3, atol=1e-4)


def test_a_store_of_b_gives_a_g_the_score_of_its_predictions(config, ground, g):
    by_predictions = rows(score_consistency(config()))["through"]
    from_store = config(scored=(g,), store=ground.b_store, domain=None, decoder=ground.n2)
    by_store = rows(score_consistency(replace(from_store, out=config().out / "store")))["g"]
    assert by_store["images"] == pytest.approx(by_predictions["images"], rel=0.02)  # float16


def test_the_best_comes_first_with_what_r_reaches_on_a(config, ground):
    content = json.loads(score_consistency(config()).read_text())
    errors = [row["error"] for row in content["rows"]]
    assert errors == sorted(errors) and len(errors) == 3
    network = content["cross_task"]
    assert (network["source"], network["target"]) == ("depth", "semantic")
    assert network["on_a"] > 0 and network["on_a_of_others"] > 0


def test_a_score_that_is_there_is_replaced_on_request_alone(config):
    score_consistency(config())
    with pytest.raises(UserError, match="--overwrite replaces it"):
        score_consistency(config())
    score_consistency(config(overwrite=True, maps=True))
    assert (config().out / "maps" / "2-through").is_dir()
    score_consistency(config(overwrite=True, scored=config().scored[:1]))
    assert not (config().out / "maps").exists()


def test_predictions_of_classes_need_their_outputs(ground, tmp_path):
    other = CrossTaskTraining(
        ground.store, "semantic", "depth", ground.n1, tmp_path / "r", steps=1, device="cpu"
    )
    r = train_cross_task(other)
    plain = Prediction(run=ground.n1, domain=ground.a, out=tmp_path / "plain", device="cpu")
    kept = replace(plain, out=tmp_path / "kept", save_logits=True)
    score = Scoring(
        scored=(predict(plain),), cross_task=r, out=tmp_path / "s", domain=ground.a, device="cpu"
    )
    with pytest.raises(UserError, match="predict again with --save-logits"):
        score_consistency(score)
    assert rows(score_consistency(replace(score, scored=(predict(kept),))))["kept"]["error"] > 0


def test_predictions_of_another_task_than_r_reads_are_refused(config, ground, tmp_path):
    classes = Prediction(run=ground.n1, domain=ground.b, out=tmp_path / "n1", device="cpu")
    with pytest.raises(MismatchError, match=r"reads depth, but .* is semantic"):
        score_consistency(config(scored=(predict(classes),)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scored": ()}, "nothing to score"),
        ({"domain": None}, "by --domain for predictions, or by --store"),
        ({"decoder": "n2"}, "--decoder n2: predictions are decoded"),
        ({"batch": 0}, "--batch 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(config, changes, message):
    with pytest.raises(UserError, match=message):
        score_consistency(config(**changes))
    assert not config().out.exists()


def test_predictions_of_another_domain_are_refused(config, ground):
    with pytest.raises(MismatchError, match="another list, split or label map"):
        score_consistency(config(domain=ground.a))
    assert not (config().out / "consistency.json").exists()


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_whole_road_on_the_command_line(ground, predicted, tmp_path):
    """R, a G that agrees, and the score of both."""
    done = invoke(
        *("train-cross-task", ground.store, "--from", "depth", "--to", "semantic"),
        *("--source-run", ground.n2, "--steps", 2, "--batch", 4, "--out", tmp_path / "r"),
        *("--device", "cpu"),
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert any(line.startswith("held out loss ") for line in lines)
    assert "reads the prediction of another image" in lines[-2]
    assert lines[-1] == str(tmp_path / "r")
    done = invoke(
        *("train", ground.store, "--from", "semantic", "--to", "depth", "--out", tmp_path / "g"),
        *("--target-run", ground.n2, "--width", 8, "--steps", 2, "--device", "cpu"),
        *("--consistency", tmp_path / "r", "--b", ground.b_store, "--consistency-weight", 0.5),
    )
    assert done.exit_code == 0, done.output
    assert any(line.startswith("held out consistency ") for line in done.stdout.splitlines())
    done = invoke(
        *("train-task", "--task", "depth", "--train", ground.a, "--out", tmp_path / "n"),
        *("--steps", 2, "--batch", 2, "--device", "cpu", "--consistency", tmp_path / "r"),
        *("--consistency-train", ground.b, "--consistency-weight", 0.5),
    )
    assert done.exit_code == 0, done.output
    done = invoke(
        *("consistency", *predicted, "--cross-task", tmp_path / "r", "--domain", ground.b),
        *("--out", tmp_path / "score", "--device", "cpu", "--maps"),
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert {line.split()[-1] for line in lines[:3]} == set(map(str, predicted))
    assert lines[-1] == str(tmp_path / "score" / "consistency.json")
    assert invoke("inspect", tmp_path / "r").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "s", "--from=a", "--to=b", "--out=g", "--b=b.zarr"), "what to learn there"),
        (
            ("train", "s", "--from=a", "--to=b", "--out=g", "--b=b.zarr", "--consistency=r"),
            "belong together; --consistency-weight is missing",
        ),
        (
            ("train", "s", "--from=a", "--to=b", "--out=g", "--b-labels-weight=1"),
            "where is B?; --b is missing",
        ),
        (
            ("train-task", "--task=depth", "--out=n", "--steps=1", "--consistency=r"),
            "belong together",
        ),
        (("consistency", "p", "--cross-task=r", "--out=o"), "--domain"),
        (("train-cross-task", "s", "--from=a", "--to=b", "--out=r"), "--source-run"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(arguments, message):
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert message in done.output
