"""E1, G and D2 that do not belong together are refused, or let through and recorded."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from atdt.decode import Decoding, decode
from atdt.domains import ViewPlan, label_space
from atdt.errors import MismatchError, RunError, UserError
from atdt.predictions import open_predictions
from atdt.runs import open_run


def edited(run: Path, to: Path, edit) -> Path:
    """A copy of a run whose run.json was changed by `edit`."""
    shutil.copytree(run, to)
    info = json.loads((to / "run.json").read_text())
    edit(info)
    (to / "run.json").write_text(json.dumps(info))
    return to


@pytest.fixture
def config(road, tmp_path: Path) -> Decoding:
    return Decoding(transfer=road.transfer, domain=road.domain, out=tmp_path / "p", device="cpu")


def test_another_encoder_is_refused_unless_let_through(config: Decoding, road) -> None:
    config = replace(config, encoder=road.other)
    with pytest.raises(MismatchError, match=r"other: does not belong to .*g: E1: encoder: "):
        decode(config)
    assert not config.out.exists()
    with pytest.raises(MismatchError, match="E1: encoder"):
        decode(replace(config, allow_mismatch=("preprocessing",)))
    made = open_predictions(decode(replace(config, allow_mismatch=("encoder",))))
    assert len(made.mismatch) == 1
    assert made.mismatch[0].startswith("E1: encoder: G was trained with ")


def test_another_preprocessing_is_refused_unless_let_through(
    config: Decoding, road, tmp_path: Path
) -> None:
    moved = edited(road.n1, tmp_path / "n1", lambda i: i["preprocessing"].update(mean=[0.5, 0, 0]))
    config = replace(config, encoder=moved)
    with pytest.raises(MismatchError, match=r"preprocessing\.mean"):
        decode(replace(config, allow_mismatch=("encoder",)))
    made = open_predictions(decode(replace(config, allow_mismatch=("preprocessing",))))
    assert [line.split(": ")[1] for line in made.mismatch] == ["preprocessing.mean"]


def test_the_decoder_of_another_encoder_is_refused_unless_let_through(
    config: Decoding, road, tmp_path: Path, write_network
) -> None:
    other = write_network(tmp_path / "n3", "semantic", 9, label_space("coarse4"))
    config = replace(config, decoder=other)
    with pytest.raises(MismatchError, match="E2 of D2: encoder"):
        decode(config)
    made = open_predictions(decode(replace(config, allow_mismatch=("encoder",))))
    assert made.mismatch[0].startswith("E2 of D2: encoder")
    assert made.method["decoder"]["name"] == "n3"


def test_another_task_width_or_level_is_always_refused(
    config: Decoding, road, tmp_path: Path
) -> None:
    every = replace(
        config, encoder=road.n1, decoder=road.n2, allow_mismatch=("encoder", "preprocessing")
    )
    with pytest.raises(MismatchError, match="its task is 'depth', but"):
        decode(replace(every, decoder=road.n1))
    for key, role in (("in_channels", "E1"), ("out_channels", "E2 of D2")):
        wide = edited(road.transfer, tmp_path / key, lambda i, key=key: i.update({key: 7}))
        with pytest.raises(MismatchError, match=rf"{role} has \d+ channels at .* works with 7"):
            decode(replace(every, transfer=wide))
    deep = edited(road.transfer, tmp_path / "deep", lambda i: i["source"].update(level="level9"))
    with pytest.raises(MismatchError, match="n1: has no level9, at which"):
        decode(replace(every, transfer=deep))


def test_features_of_another_encoder_are_refused_unless_let_through(
    config: Decoding, road, tmp_path: Path, write_store
) -> None:
    level = open_run(road.transfer).info["level"]
    store = write_store(
        tmp_path / "s.zarr", road.domain, {"depth": road.other}, ViewPlan(), "float32", level
    )
    config = replace(config, domain=None, store=store)
    with pytest.raises(MismatchError, match=r"s\.zarr/.*E1: encoder: "):
        decode(config)
    made = open_predictions(decode(replace(config, allow_mismatch=("encoder",))))
    assert len(made.mismatch) == 1


def test_runs_are_found_where_training_saw_them_if_they_are_unchanged(
    config: Decoding, road, tmp_path: Path
) -> None:
    lost = edited(
        road.transfer, tmp_path / "lost", lambda i: i["source"].update(run=str(tmp_path / "gone"))
    )
    with pytest.raises(RunError, match="gone, which is gone; give --encoder RUN"):
        decode(replace(config, transfer=lost))
    shutil.copytree(road.other, tmp_path / "other")
    swapped = edited(
        road.transfer,
        tmp_path / "swapped",
        lambda i: i["source"].update(run=str(tmp_path / "other")),
    )
    allowed = replace(config, transfer=swapped, allow_mismatch=("encoder",))
    with pytest.raises(MismatchError, match="E1: encoder"):
        decode(allowed)  # only what the user names himself may differ


@pytest.mark.parametrize("way", ["elsewhere", "climbing", "link"])
def test_a_strangers_run_is_not_followed_to_runs_elsewhere(
    config: Decoding, road, tmp_path: Path, way: str
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "link").symlink_to(road.n1)
    hint = {
        "elsewhere": road.n1,
        "climbing": tmp_path / "theirs" / ".." / ".." / road.n1.name,
        "link": tmp_path / "theirs" / "link",
    }[way]
    theirs = edited(
        road.transfer, tmp_path / "theirs" / "g", lambda i: i["source"].update(run=str(hint))
    )
    with pytest.raises(RunError, match=r"not beside it and so not opened unasked; give --encoder"):
        decode(replace(config, transfer=theirs))


def test_what_training_let_through_stays_visible(config: Decoding, road, tmp_path: Path) -> None:
    line = "encoder: store has ab, run has cd"
    transfer = edited(road.transfer, tmp_path / "odd", lambda i: i.update(mismatch=[line]))
    config = replace(config, transfer=transfer, encoder=road.n1, decoder=road.n2)
    made = open_predictions(decode(config))
    assert made.mismatch == (f"in training odd: {line}",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"domain": None}, "--domain or by --store, one of them"),
        ({"store": Path("s.zarr")}, "--domain or by --store, one of them"),
        ({"domain": None, "store": Path("s"), "crop": (2, 2)}, "its views are made already"),
        ({"domain": None, "store": Path("s"), "encoder": Path("e")}, "leave it out"),
        ({"array": "depth"}, "names an array of a --store"),
        ({"allow_mismatch": ("shape",)}, "choose one of encoder, preprocessing"),
        ({"batch": 0}, "must be ≥ 1"),
        ({"depth_format": "exr"}, "choose one of npy, png"),
        ({"depth_format": "png"}, "predict semantic, not depth"),
        ({"resume": True, "overwrite": True}, "exclude each other"),
    ],
)
def test_options_that_cannot_be_meant(config: Decoding, changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        decode(replace(config, **changes))
