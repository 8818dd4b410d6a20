"""Merging predictions: what each way computes, what it learns on A, and what it refuses."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_calibration_error

from atdt.cli import main
from atdt.decode import Prediction, predict
from atdt.domains import open_domain
from atdt.errors import MismatchError, UserError
from atdt.evaluate import Evaluation, evaluate
from atdt.merge import Merging, merge, ways
from atdt.merge.calibration import BINS, FLATTEST, calibrated, calibration_error
from atdt.predictions import open_predictions
from atdt.tasks import get_task
from tests.made_ground import Ground, make_ground, write_domain, write_network


@pytest.fixture(scope="session")
def ground(tmp_path_factory) -> Ground:
    return make_ground(tmp_path_factory.mktemp("merged"))


@pytest.fixture(scope="session")
def predicted(ground):
    """`predicted(run, letter, **options)`: a folder with logits of A or of B."""
    specs = {"a": ground.domain, "b": write_domain(ground.folder / "b", 5)}

    def make(run, letter, name=None, **options):
        out = ground.folder / "predicted" / (name or f"{run.name}-{letter}")
        if not out.exists():
            chosen = {"save_logits": True, "save_dtype": "float32"} | options
            predict(Prediction(run=run, domain=specs[letter], out=out, device="cpu", **chosen))
        return out

    return make


def logits(folder):
    made = open_predictions(folder)
    return {image: np.load(folder / name) for image, name in made.info["logits"].items()}


def test_the_mean_of_logits_is_a_predictions_folder_like_any_other(ground, predicted, tmp_path):
    folders = [predicted(run, "b") for run in (ground.n2, ground.other)]
    out = tmp_path / "merged"
    done = CliRunner().invoke(main, ["merge", *map(str, folders), f"--out={out}"])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(out)
    one, other, merged = map(logits, (*folders, out))
    task = get_task("semantic")
    for image, found in merged.items():
        expected = (one[image] + other[image]) / 2
        np.testing.assert_allclose(found, expected, atol=2e-3, rtol=1e-3)
        ids = open_predictions(out).read(image, task)
        assert np.array_equal(ids, expected.argmax(axis=0))
    method = open_predictions(out).method
    assert method["kind"] == "merged" and len(method["of"]) == 2
    evaluate(Evaluation(predictions=out, domain=f"{ground.folder}/b:train"))
    again = CliRunner().invoke(main, ["merge", *map(str, folders), f"--out={out}"])
    assert again.exit_code == 2 and "--overwrite replaces" in again.stderr
    assert merge(Merging(predictions=tuple(folders), out=out, resume=True)) == out


def test_weights_that_are_learnt_on_a_are_no_worse_there_than_either_alone(
    ground, predicted, tmp_path
):
    runs = (ground.n2, ground.other)
    out = merge(
        Merging(
            predictions=tuple(predicted(run, "b") for run in runs), out=tmp_path / "merged",
            by="learnt", learn_from=tuple(predicted(run, "a") for run in runs), a=ground.domain,
        )
    )  # fmt: skip
    weights = open_predictions(out).method["weights"]
    on_a = merge(
        Merging(predictions=tuple(predicted(run, "a") for run in runs), out=tmp_path / "a")
    )
    truth = {}
    domain = open_domain(ground.domain)
    for index, sample in enumerate(domain.samples):
        truth[sample.image] = torch.from_numpy(domain.label(index, "semantic").astype(int))

    def loss(outputs):
        entropies = [
            torch.nn.functional.cross_entropy(
                torch.from_numpy(output)[None], truth[image][None], ignore_index=255
            )
            for image, output in outputs.items()
        ]
        return float(torch.stack(entropies).mean())

    one, other = (logits(predicted(run, "a")) for run in runs)
    learnt = {image: weights[0] * one[image] + weights[1] * other[image] for image in one}
    assert loss(learnt) < min(loss(one), loss(other), loss(logits(on_a)))


def test_depth_is_merged_and_learnt_with_a_shift(ground, tmp_path):
    task = get_task("depth")
    torch.manual_seed(0)
    truth = torch.rand(4, 8, 8) * 20 + 2
    target = [task.target(None, one[None]) for one in truth]
    outputs = torch.randn(4, 2, 1, 8, 8)
    examples = [(list(outputs[k]), target[k]) for k in range(4)]
    weights, shift = ways.fit(examples, task)
    assert shift != 0

    def loss(weights, shift):
        way = ways.weighed(weights, shift)
        return sum(
            float(task.loss(way(list(o))[None], t)) for o, t in zip(outputs, target, strict=True)
        )

    best = loss(weights, shift)
    for worse in ((0.5, 0.5), (1.0, 0.0), (0.0, 1.0)):
        assert best < loss(worse, 0.0)


def test_d4s_way_trusts_each_network_by_its_own_choice():
    weights = torch.tensor([1.0, 0.25])
    first = torch.tensor([[[6.0]], [[0.0]]])  # chooses class 0: trusted wholly
    second = torch.tensor([[[0.0]], [[12.0]]])  # chooses class 1: trusted by 0.75
    p, q = (torch.softmax(o / 6, dim=0) for o in (first, second))
    found = ways.tempered(weights)([first, second])
    torch.testing.assert_close(found.exp(), 1.0 * p + 0.75 * q)


def test_rarity_is_inverse_frequency_and_absent_classes_have_none():
    assert ways.rarity(torch.tensor([10.0, 40.0, 0.0])).tolist() == [1.0, 0.25, 0.0]
    assert ways.rarity(torch.zeros(3)).tolist() == [0.0] * 3


def test_d4s_way_counts_as_classes(ground, predicted, tmp_path):
    folders = tuple(predicted(run, "b") for run in (ground.n2, ground.other))
    out = merge(Merging(predictions=folders, out=tmp_path / "m", by="softmax", a=ground.domain))
    weights = open_predictions(out).method["weights"]
    assert max(weights) == 1 and min(weights) >= 0


def test_of_unequally_sure_networks_the_surest_is_not_heard_for_being_sure(
    ground, predicted, tmp_path
):
    """A copy that shouts outvotes everybody in a mean of logits, and nobody once calibrated."""
    random = np.random.default_rng(0)
    folders = {}
    for letter, spec in (("a", ground.domain), ("b", f"{ground.folder}/b:train")):
        domain, task = open_domain(spec), get_task("semantic")
        made = {name: tmp_path / f"{name}-{letter}" for name in ("one", "other", "loud")}
        for folder in made.values():
            shutil.copytree(predicted(ground.n2, letter), folder)
        for index, image in enumerate(open_predictions(made["one"]).images):
            truth = np.eye(4)[domain.label(index, task.label)].transpose(2, 0, 1)
            one, other = 2 * truth + random.normal(0, 2, (2, *truth.shape))
            for folder, output in zip(made.values(), (one, other, 20 * other), strict=True):
                np.save(folder / open_predictions(folder).info["logits"][image], output)
        folders[letter] = made

    def merged(second, out, *more):
        on_a, on_b = ([made[name] for name in ("one", second)] for made in folders.values())
        learn = [part for folder in on_a for part in ("--learn-from", folder)]
        arguments = ("merge", *on_b, *learn, "--a", ground.domain, "--out", tmp_path / out, *more)
        done = CliRunner().invoke(main, list(map(str, arguments)))
        assert done.exit_code == 0, done.output
        return done.stdout, open_predictions(tmp_path / out)

    _, quiet = merged("other", "m-quiet", "--calibrate")
    said, loud = merged("loud", "m-loud", "--calibrate")
    cold, hot = quiet.method["temperatures"], loud.method["temperatures"]
    assert hot == pytest.approx([cold[0], 20 * cold[1], cold[2]], rel=0.02)
    for image in quiet.images:
        np.testing.assert_allclose(loud.output(image), quiet.output(image), atol=0.02, rtol=0.02)
    _, raw = merged("loud", "m-raw")
    assert "temperatures" not in raw.method
    errors, before = loud.method["calibration_error"], raw.method["calibration_error"]
    assert errors["networks"] == before["networks"]
    assert errors["calibrated"][1] < errors["networks"][1]
    assert errors["merged"] < before["merged"]
    after = 100 * errors["calibrated"][1]
    assert f", {after:.1f} % at temperature {hot[1]:.2f}: {tmp_path / 'loud-b'}" in said
    assert f"{100 * errors['merged']:.1f} %: merged" in said


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 30))
def test_the_calibration_error_is_that_of_torchmetrics(seed, loudness):
    random = torch.Generator().manual_seed(seed)
    outputs = loudness * torch.randn(2, 3, 5, 7, generator=random)
    target = torch.randint(0, 4, (2, 1, 5, 7), generator=random)
    target[target == 3] = 255
    task = get_task("semantic")
    expected = multiclass_calibration_error(
        outputs.softmax(1), target[:, 0], num_classes=3, n_bins=BINS, ignore_index=255
    )
    found = calibration_error(zip(outputs, target, strict=True), task)
    assert found == pytest.approx(float(expected), abs=1e-6)


def test_a_network_that_knows_nothing_is_made_flat_and_not_turned_round():
    target = torch.zeros(1, 4, 4, dtype=torch.long)
    wrong = torch.stack([torch.full((4, 4), -9.0), torch.full((4, 4), 9.0)])
    right = -wrong
    examples = [([wrong, right], target)]
    way, temperatures, _ = calibrated(ways.mean, examples, get_task("semantic"))
    assert temperatures[0] == pytest.approx(1 / FLATTEST)
    assert way([wrong, right]).argmax(dim=0).eq(0).all()


def test_what_does_not_belong_together_is_refused(ground, predicted, tmp_path):
    n2, other = (predicted(run, "b") for run in (ground.n2, ground.other))
    on_a = predicted(ground.n2, "a"), predicted(ground.other, "a")
    base = Merging(predictions=(n2, other), out=tmp_path / "m")
    for changes, kind, problem in (
        ({"predictions": (n2,)}, UserError, "two predictions folders or more"),
        ({"by": "vote"}, UserError, "--by vote: choose one of mean, softmax, learnt"),
        ({"by": "softmax"}, UserError, "needs A's labels, give --a"),
        ({"by": "learnt", "a": ground.domain}, UserError, "--by learnt: learns from predictions"),
        ({"calibrate": True}, UserError, "--calibrate: learns from predictions of A"),
        ({"learn_from": on_a}, UserError, "--learn-from: needs A's labels, give --a"),
        (
            {"by": "learnt", "calibrate": True, "learn_from": on_a, "a": ground.domain},
            UserError,
            "does so by itself",
        ),
        (
            {"by": "learnt", "a": ground.domain, "learn_from": on_a[:1]},
            UserError,
            "1 folders for 2",
        ),
        (
            {"by": "learnt", "a": ground.domain, "learn_from": on_a[::-1]},
            MismatchError,
            "made by other networks than",
        ),
        ({"predictions": (n2, on_a[1])}, MismatchError, "another task or other images"),
        (
            {"predictions": (n2, predicted(ground.other, "b", "bare", save_logits=False))},
            UserError,
            "has no logits; predict again with --save-logits",
        ),
        (
            {"predictions": (n2, predicted(ground.other, "b", "cut", crop=(16, 24)))},
            MismatchError,
            "view is another than that of",
        ),
    ):
        with pytest.raises(kind, match=problem):
            merge(replace(base, **changes))
    read = {file: file.read_bytes() for file in n2.parent.rglob("*") if file.is_file()}
    for out in (n2, on_a[0]):
        with pytest.raises(UserError, match="which is read; choose another --out"):
            merge(replace(base, learn_from=on_a, a=ground.domain, out=out, overwrite=True))
    assert read == {file: file.read_bytes() for file in n2.parent.rglob("*") if file.is_file()}
    depth = write_network(ground.folder / "n3", "depth", 4)
    with pytest.raises(MismatchError, match="another task or other images"):
        merge(replace(base, predictions=(n2, predicted(depth, "b"))))
    of_depth = replace(base, predictions=(predicted(depth, "b"),) * 2, a=ground.domain)
    learn_from = (predicted(depth, "a"),) * 2
    for changes in ({"by": "softmax"}, {"calibrate": True, "learn_from": learn_from}):
        with pytest.raises(
            UserError, match=f"--{'by softmax' if 'by' in changes else 'calibrate'}: is for classes"
        ):
            merge(replace(of_depth, **changes))
    assert not base.out.exists()


def test_labels_of_what_is_merged_teach_nothing(ground, predicted, tmp_path):
    folders = tuple(predicted(run, "b") for run in (ground.n2, ground.other))
    b = f"{ground.folder / 'b'}:train"
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    text = (ground.folder / "b/domain.toml").read_text().replace('"b"', '"c"', 1)
    (renamed / "domain.toml").write_text(f'root = "{ground.folder / "b"}"\n{text}')
    (renamed / "train.txt").write_text((ground.folder / "b/train.txt").read_text())
    for by, spec in (("learnt", b), ("softmax", b), ("learnt", f"{renamed}:train")):
        config = Merging(
            predictions=folders, out=tmp_path / "m", by=by, a=spec,
            learn_from=folders if by == "learnt" else (),
        )  # fmt: skip
        with pytest.raises(UserError, match="as is what is merged, whose labels may teach nothing"):
            merge(config)
    assert not (tmp_path / "m").exists()


def test_a_missing_logits_file_is_named(ground, predicted, tmp_path):
    folder = predicted(ground.other, "b", "broken")
    info = json.loads((folder / "predictions.json").read_text())
    gone = folder / next(iter(info["logits"].values()))
    gone.unlink()
    with pytest.raises(UserError, match=gone.name):
        merge(Merging(predictions=(predicted(ground.n2, "b"), folder), out=tmp_path / "m"))
