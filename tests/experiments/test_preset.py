"""Presets are small files; an option that is wrong is named."""

from dataclasses import fields

import pytest

from atdt.errors import UserError
from atdt.experiments.preset import BUILT_IN, Preset, load_preset
from atdt.networks import NetworkSpec


@pytest.mark.parametrize("name", sorted(path.stem for path in BUILT_IN.glob("*.toml")))
def test_every_built_in_preset_loads(name):
    assert isinstance(load_preset(name), Preset)


def test_streets_with_exact_depth_differ_in_that_and_in_what_transfers_labels():
    exact, streets = load_preset("streets-exact"), load_preset("streets")
    differ = {f.name for f in fields(Preset) if getattr(exact, f.name) != getattr(streets, f.name)}
    assert differ == {"known_depth", "label_steps", "label_width", "label_stretch"}
    assert (exact.known_depth, streets.known_depth) == ("exact", "stereo")


def test_the_papers_schedule_is_the_released_one():
    paper = load_preset("paper")
    assert (paper.source_steps, paper.steps, paper.transfer_steps) == (150_000, 25_000, 100_000)
    assert (paper.batch, paper.transfer_batch) == (8, 1)
    assert (paper.learning_rate, paper.transfer_learning_rate) == (1e-4, 1e-5)
    assert paper.crop == (512, 512) and paper.resize is None
    assert (paper.network.name, paper.architecture) == ("dilated-resnet50", "paper")
    assert paper.losses == (("mse", 1.0),)


def test_options_are_overridden_as_one_would_write_them_in_the_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('steps = 7\nnetwork = { name = "tiny", norm = "group" }\n')
    made = load_preset(path, {"batch": "3", "precision": "float32", "size": "[32, 64]"})
    assert (made.steps, made.batch, made.precision, made.size) == (7, 3, "float32", (32, 64))
    assert made.network == NetworkSpec("tiny", {"norm": "group"})
    assert load_preset("demo", {"flip": "true"}).flip and not load_preset("demo").flip
    assert load_preset("demo", {"losses": "{ mse = 2 }"}).losses == (("mse", 2.0),)


def test_what_may_be_none_can_be_unset(tmp_path):
    unset = {field.name for field in fields(Preset) if field.default is None}
    assert {"crop", "resize", "source_steps", "cyclegan_crop"} <= unset
    assert load_preset("paper").crop is not None
    made = load_preset("paper", dict.fromkeys(unset, "none"))
    assert all(getattr(made, name) is None for name in unset)
    (tmp_path / "mine.toml").write_text('crop = "none"\n')
    assert load_preset(tmp_path / "mine.toml").crop is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stpes": "1"}, "--set: unknown option 'stpes'; known are size, train"),
        ({"steps": "0"}, "--set: steps = 0 is not a whole number above 0"),
        ({"steps": "many"}, "steps = 'many' is not a whole number above 0"),
        ({"steps": "true"}, "steps = True is not"),
        ({"learning_rate": "nan"}, "learning_rate = nan is not a number above 0"),
        ({"size": "[32]"}, r"size = \[32\] is not \[height, width\]"),
        ({"crop": "[32]"}, r"crop = \[32\] is not \[height, width\], or none"),
        ({"steps": "none"}, "steps = 'none' is not a whole number above 0"),
        ({"size": "32"}, r"size = 32 is not \[height, width\]"),
        ({"losses": "mse"}, "losses = 'mse' is not { loss = weight"),
        ({"network": "3"}, "network = 3 is not a name"),
        ({"network": "{ norm = 'group' }"}, "is not a name, or"),
        ({"precision": "1"}, "precision = 1 is not a text"),
        ({"student": "{ trusts = 1 }"}, "is not { trust = …"),
        ({"student": "{ rounds = 0 }"}, "is not { trust = …"),
        ({"student": "{ paste = 'all' }"}, "--copy-paste all: choose one of"),
        ({"edges": "both"}, "edges = 'both' is not one of none, own, shared"),
        ({"flip": "1"}, "flip = 1 is not true or false"),
        ({"merge": "vote"}, "merge = 'vote' is not one of mean, softmax, learnt"),
        ({"norm_discrepancy": "-1"}, "norm_discrepancy = -1 is not a number, 0 or more"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises(UserError, match=message):
        load_preset("demo", options)


def test_files_that_are_no_preset(tmp_path):
    with pytest.raises(UserError, match="preset 'huge': known are demo, full, paper, smoke"):
        load_preset("huge")
    with pytest.raises(UserError, match=r"none\.toml'?: known are"):
        load_preset(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("steps =")
    with pytest.raises(UserError, match=r"bad\.toml: cannot be read as a preset"):
        load_preset(tmp_path / "bad.toml")
