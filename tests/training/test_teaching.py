"""Learning from predictions: trust, the mean teacher, and what is pasted."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch

from atdt.domains import ViewPlan, open_domain
from atdt.errors import DomainError, RunError
from atdt.networks import build_network
from atdt.runs import open_run
from atdt.tasks import get_task
from atdt.training import Teaching, load_task_network, train_task
from atdt.training.batches import Views
from atdt.training.loop import _batches
from atdt.training.material import open_material
from atdt.training.order import Draw
from atdt.training.teaching import Teacher, taught_views

SEMANTIC, DEPTH = get_task("semantic"), get_task("depth")


def halves(size):
    """Sure of the left half alone: 255 there, 100 in the right."""
    sure = np.full(size, 255, np.uint8)
    sure[:, size[1] // 2 :] = 100
    return sure


def sky(size):
    return np.full(size, 1, np.uint8)


@pytest.fixture
def guesses(write_predictions):
    return write_predictions("semantic", sky, confidence=halves)


@pytest.fixture
def taught(config, domain_b, guesses):
    """A short training on A and on B under predictions; keywords change its `Teaching`."""

    def make(**changes):
        return config(
            pseudo_labels=((f"{domain_b}:train", guesses),),
            teaching=Teaching(**changes),
            validation=(),
            batch=4,
        )

    return make


def lesson(config, step=0, network=None):
    """The batch of a step before and after its teacher had it."""
    material = open_material(config)
    network = network or build_network(config.network, 4, seed=0)
    teacher = Teacher(
        config.teaching, material.main.task, network, steps=config.steps, seed=config.seed
    )
    with closing(_batches(config, material, step)) as batches:
        (before,) = next(batches)
    with closing(_batches(config, material, step)) as batches:
        (again,) = next(batches)
    return before, teacher.lesson(step, again), teacher


def test_plain_predictions_are_labels_like_others(config, domain_b, guesses, tmp_path):
    """To the bit, whether somebody says so or not."""
    plain = config(pseudo_labels=((f"{domain_b}:train", guesses),))
    said = replace(plain, teaching=Teaching(), out=tmp_path / "said")
    sha256 = [open_run(train_task(c)).info["network_sha256"] for c in (plain, said)]
    assert sha256[0] == sha256[1]


@pytest.mark.parametrize(
    ("trust", "left", "right"), [("confidence", 1.0, 100 / 255), (0.5, 1.0, 0.0), (0.3, 1.0, 1.0)]
)
def test_trust_weighs_predictions_and_never_labels(taught, trust, left, right):
    before, after, _ = lesson(taught(trust=trust))
    rows = set(before.taught.rows.tolist())
    assert 0 < len(rows) < 4
    for row in range(4):
        expected = torch.ones(16, 24)
        if row in rows:
            expected[:, :12], expected[:, 12:] = left, right
        torch.testing.assert_close(after.weight[row], expected)
    assert torch.equal(after.image, before.image) and torch.equal(after.label, before.label)


def test_what_is_not_trusted_is_not_learnt(taught, write_predictions, domain_b):
    """Two trainings whose predictions differ only where they are not trusted are the same."""

    def other_right(size):
        ids = sky(size)
        ids[:, size[1] // 2 :] = 2
        return ids

    other = write_predictions("semantic", other_right, confidence=halves, name="other")
    config = taught(trust=0.5)
    changed = replace(config, pseudo_labels=((f"{domain_b}:train", other),), overwrite=True)
    sha256 = [open_run(train_task(c)).info["network_sha256"] for c in (config, changed)]
    assert sha256[0] == sha256[1]
    uniform = [replace(c, teaching=None, overwrite=True) for c in (config, changed)]
    sha256 = [open_run(train_task(c)).info["network_sha256"] for c in uniform]
    assert sha256[0] != sha256[1]


def test_the_cut_of_a_view_goes_through_all_that_is_seen_of_it(domain_b, guesses):
    domain = open_domain(f"{domain_b}:train").with_predictions("semantic", guesses)
    plan = ViewPlan(seed=2, crop=(8, 12), flip=True, photometric="paper")
    wanted = taught_views(Teaching("confidence", 0.9, paste="depth"), SEMANTIC)
    draws = [Draw(0, image, view) for image in range(4) for view in (1, 2)]

    def views(kind, plan, **more):
        return Views([domain], kind, plan, needs_clean=False, memory=2**20, **more).batch(draws)

    batch = views("semantic", plan, taught=wanted)
    assert batch.taught.rows.tolist() == list(range(8))
    assert torch.equal(batch.taught.maps["depth"], views("depth", plan).label)
    plain = replace(plan, photometric="none")
    assert torch.equal(batch.taught.weak, views(None, plain).image)
    strong = replace(plan, photometric="strong")
    assert torch.equal(batch.image, views(None, strong).image)
    assert torch.equal(batch.label, views("semantic", plan).label)
    sure = batch.taught.maps["confidence"]
    assert set(sure.unique().tolist()) == {1.0, np.float32(100 / 255)}
    flipped = [bool((sure[k, 0].diff() > 0).any()) for k in range(8)]
    assert any(flipped) and not all(flipped)


def test_the_mean_teacher_labels_weak_views_from_its_step_on(taught):
    config = taught(trust="confidence", teacher_decay=0.9, teacher_from=0.5)
    config = replace(config, steps=10)
    network = build_network(config.network, 4, seed=3)
    before, after, _ = lesson(config, step=4, network=network)
    assert torch.equal(after.label, before.label)
    before, after, _ = lesson(config, step=5, network=network)
    rows = before.taught.rows
    others = [row for row in range(4) if row not in rows.tolist()]
    assert torch.equal(after.label[others], before.label[others])
    with torch.no_grad():
        output = network.eval()(before.taught.weak)
    assert torch.equal(after.label[rows], output.argmax(dim=1))
    torch.testing.assert_close(after.weight[rows], output.softmax(dim=1).amax(dim=1))
    assert not torch.equal(after.label[rows], before.label[rows])


def test_the_mean_teacher_follows_the_student(taught):
    config = taught(teacher_decay=0.75)
    network = build_network(config.network, 4, seed=0)
    teacher = Teacher(config.teaching, SEMANTIC, network, steps=10, seed=0)
    name = next(iter(network.state_dict()))
    running = next(n for n in network.state_dict() if n.endswith("running_mean"))
    start = {n: network.state_dict()[n].clone() for n in (name, running)}
    teacher.follow(network)
    with torch.no_grad():
        for n in (name, running):
            network.state_dict()[n].add_(1.0)
    teacher.follow(network)
    for n in (name, running):
        found = teacher.tensors()[f"teacher.module.{n}"]
        torch.testing.assert_close(found, start[n] + 0.25)
        assert not found.requires_grad


def test_depth_keeps_the_weight_of_its_predictions_where_a_mean_teacher_labels(
    config, domain_b, write_predictions
):
    """No output of depth says how sure it is."""
    far = write_predictions("depth", lambda s: np.full(s, 9, np.float32), confidence=halves)
    made = config(
        task="depth",
        pseudo_labels=((f"{domain_b}:train", far),),
        teaching=Teaching("confidence", teacher_decay=0.9, teacher_from=0.0),
        batch=4,
    )
    network = build_network(made.network, 1, seed=0)
    before, after, _ = lesson(made, network=network)
    rows = before.taught.rows
    with torch.no_grad():
        output = network.eval()(before.taught.weak)
    torch.testing.assert_close(after.label[rows], output[:, 0] * 100)
    assert torch.equal(after.weight[rows], before.taught.maps["confidence"])


def test_what_is_pasted_brings_its_label_and_its_weight(taught, write_predictions, domain_b):
    random = np.random.default_rng(0)
    guesses = write_predictions(
        "semantic",
        lambda size: random.integers(0, 3, size).astype(np.uint8),
        confidence=lambda size: random.integers(0, 256, size).astype(np.uint8),
        name="random",
    )
    config = replace(taught(trust="confidence", paste="classes"), batch=10)
    before, after, _ = lesson(replace(config, pseudo_labels=((f"{domain_b}:train", guesses),)))
    rows = before.taught.rows
    assert len(rows) == 4
    moved = (after.image[rows] != before.image[rows]).any(dim=1)
    assert moved.any()
    for values, made in (
        (before.image[rows], after.image[rows]),
        (before.label[rows], after.label[rows]),
        (before.taught.maps["confidence"], after.weight[rows]),
    ):
        over = moved if values.dim() == 3 else moved[:, None]
        assert torch.equal(made, torch.where(over, values.roll(1, dims=0), values))


def test_depth_is_pasted_by_the_classes_that_the_domain_has_itself(
    config, domain_b, write_predictions
):
    far = write_predictions("depth", lambda s: np.full(s, 9, np.float32))
    made = config(
        task="depth",
        pseudo_labels=((f"{domain_b}:train", far),),
        teaching=Teaching(paste="classes"),
        batch=4,
    )
    before, _, _ = lesson(made, step=2, network=build_network(made.network, 1, seed=0))
    assert set(before.taught.maps["semantic"].unique().tolist()) == {0, 1, 2}
    assert open_run(train_task(made)).info["config"]["teaching"]["paste"] == "classes"


def test_labels_of_the_task_on_b_are_never_read(
    config, make_domain, write_predictions, domain_b, tmp_path
):
    """A copy of B without its semantic labels' files trains to the same bits."""
    bare = make_domain(tmp_path / "bare", "b", counts={"train": 4}, focal=80.0, seed=9)
    for file in (bare / "train" / "semantic").iterdir():
        file.write_bytes(b"")
    guesses = write_predictions("semantic", sky, confidence=halves)
    teaching = Teaching("confidence", teacher_decay=0.8, paste="depth")
    sha256 = []
    for domain in (domain_b, bare):
        made = config(
            pseudo_labels=((f"{domain}:train", guesses),),
            teaching=teaching,
            batch=4,
            out=tmp_path / f"run-{domain.name}",
        )
        sha256.append(open_run(train_task(made)).info["network_sha256"])
    assert sha256[0] == sha256[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trust": "me"}, "--trust me: write all, confidence or a number"),
        ({"trust": 1.5}, "--trust 1.5"),
        ({"trust": float("nan")}, "--trust nan"),
        ({"teacher_decay": 1.0}, "--mean-teacher 1.0: must be between 0 and 1"),
        ({"teacher_decay": 0.9, "teacher_from": 1.0}, "--mean-teacher-from 1.0"),
        ({"paste": "all"}, "--copy-paste all: choose one of classes, depth"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(taught, changes, message):
    with pytest.raises(RunError, match=message):
        train_task(taught(**changes))
    assert not taught().out.exists()


def test_what_cannot_be_taught_so_is_refused(config, taught, domain_b, write_predictions):
    with pytest.raises(RunError, match="are for predictions: give --pseudo"):
        train_task(config(teaching=Teaching("confidence")))
    silent = write_predictions("semantic", sky, name="silent")
    unsure = replace(taught(trust=0.9), pseudo_labels=((f"{domain_b}:train", silent),))
    with pytest.raises(RunError, match=r"silent: has no confidence; .*or give --trust all"):
        train_task(unsure)
    far = write_predictions("depth", lambda s: np.full(s, 9, np.float32), name="far")
    depth = replace(
        taught(paste="depth"), task="depth", pseudo_labels=((f"{domain_b}:train", far),)
    )
    with pytest.raises(RunError, match="--copy-paste depth: depth is what is learnt; use classes"):
        train_task(depth)
    disparity = replace(depth, task="disparity", teaching=Teaching(teacher_decay=0.9))
    with pytest.raises(RunError, match="--mean-teacher: predictions of disparity are no labels"):
        train_task(disparity)


def test_a_domain_without_the_labels_to_paste_by_is_refused(
    config, make_domain, write_predictions, tmp_path
):
    bare = make_domain(tmp_path / "bare", "b", counts={"train": 4}, focal=80.0, seed=9)
    lines = (bare / "train.txt").read_text().splitlines()
    cut = [";".join([*line.split(";")[:3], "_", "_"]) for line in lines]
    (bare / "train.txt").write_text("\n".join(cut) + "\n")
    guesses = write_predictions("semantic", sky)
    made = config(pseudo_labels=((f"{bare}:train", guesses),), teaching=Teaching(paste="depth"))
    with pytest.raises(DomainError, match=r"train\.txt:1: .*depth"):
        train_task(made)


def test_a_run_of_a_version_that_knew_no_teaching_is_not_gone_on_with_under_one(config):
    made = config()
    path = train_task(made)
    assert "teaching" not in open_run(path).info["config"]
    assert train_task(replace(made, resume=True)) == path
    guess = Teaching("confidence")
    with pytest.raises(RunError, match="for predictions"):
        train_task(replace(made, resume=True, teaching=guess))


def test_a_taught_network_is_a_task_network_like_any_other(taught):
    path = train_task(taught(trust="confidence", teacher_decay=0.8, paste="classes"))
    network = load_task_network(path).network
    assert not any(name.startswith("teacher") for name in network.state_dict())
