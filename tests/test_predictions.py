"""Reading a predictions folder, and the names of its files."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atdt.errors import MismatchError, UserError
from atdt.predictions import INDEX, LEDGER, SUFFIXES, open_predictions, stems
from atdt.tasks import get_task

INFO = {
    "schema": 1,
    "task": "depth",
    "label_space": {"name": "shared11", "classes": [], "colours": []},
    "domain": {"name": "b", "split": "test", "digest": "0" * 64},
    "view": {},
    "method": {"kind": "network"},
    "mismatch": [],
    "complete": True,
    "files": {"a.png": "predictions/a.npy"},
}


def write(folder: Path, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / INDEX).write_text(json.dumps(INFO | changes))
    return folder


def test_a_prediction_is_read_by_its_image(tmp_path: Path) -> None:
    metres = np.array([[1.5, 20.0]], np.float32)
    get_task("depth").write(tmp_path / "predictions" / "a", metres)
    predictions = open_predictions(write(tmp_path))
    assert predictions.images == ("a.png",)
    assert np.array_equal(predictions.read("a.png", get_task("depth")), metres)


def test_another_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MismatchError, match="'depth', not of 'edges'"):
        open_predictions(write(tmp_path)).read("a.png", get_task("edges"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"complete": False}, "--resume"),
        ({"complete": "yes"}, "--resume"),
        ({"schema": 2}, "not of schema 1"),
        ({"files": ["a.png"]}, "'files' is missing or no dict"),
        ({"files": {"a.png": 3}}, "is not a path"),
        ({"mismatch": None}, "'mismatch' is missing or no list"),
    ],
)
def test_unfinished_and_foreign_indices_are_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        open_predictions(write(tmp_path, **changes))


def test_a_folder_without_index_says_why(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a predictions folder"):
        open_predictions(tmp_path)
    (tmp_path / LEDGER).touch()
    with pytest.raises(UserError, match="unfinished predictions; repeat their command"):
        open_predictions(tmp_path)


def test_other_parts_are_found_by_their_image(tmp_path: Path) -> None:
    logits = np.ones((3, 1, 2), np.float16)
    (tmp_path / "logits").mkdir()
    np.save(tmp_path / "logits" / "a.npy", logits)
    predictions = open_predictions(write(tmp_path, logits={"a.png": "logits/a.npy"}))
    assert predictions.has("logits") and not predictions.has("confidence")
    assert np.array_equal(predictions.output("a.png"), logits)
    with pytest.raises(UserError, match=r"has no confidence of 'a\.png'"):
        predictions.path("a.png", "confidence")
    for wrong in ({"b.png": "x"}, {"a.png": 3}, ["a.png"]):
        with pytest.raises(UserError, match=r"has no logits of 'a\.png'"):
            open_predictions(write(tmp_path, logits=wrong)).output("a.png")


@pytest.mark.parametrize("trick", ["../secret.npy", "/etc/passwd", "predictions/../../secret.npy"])
def test_no_entry_leads_out_of_the_folder(tmp_path: Path, trick: str) -> None:
    np.save(tmp_path / "secret.npy", np.zeros((1, 1), np.float32))
    predictions = open_predictions(write(tmp_path / "folder", files={"a.png": trick}))
    with pytest.raises(UserError, match=r"files\['a.png'\].*must be a path below"):
        predictions.path("a.png")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder", files={"a.png": "out/secret.npy"})
    np.save(tmp_path / "secret.npy", np.zeros((1, 1), np.float32))
    (folder / "out").symlink_to(tmp_path)
    with pytest.raises(UserError, match="a link leads out"):
        open_predictions(folder).path("a.png")


def test_a_missing_prediction_is_named(tmp_path: Path) -> None:
    predictions = open_predictions(write(tmp_path))
    with pytest.raises(UserError, match=r"no prediction of 'b\.png'"):
        predictions.path("b.png")
    with pytest.raises(UserError, match="not there; predict again"):
        predictions.path("a.png")


def test_folders_are_kept_and_dots_in_names_too() -> None:
    assert stems(["a_b/c.png", "a/b_c.png", "a/f.0001.png", "a/f.0002.png"]) == {
        "a_b/c.png": "a_b/c",
        "a/b_c.png": "a/b_c",
        "a/f.0001.png": "a/f.0001",
        "a/f.0002.png": "a/f.0002",
    }


@pytest.mark.parametrize(
    "images", [["a.png", "a.jpg"], ["a.jpg", "a.jpg.png", "a.png"], ["A.png", "a.jpg"]]
)
def test_images_that_differ_by_suffix_keep_it(images: list[str]) -> None:
    assert stems(images) == {image: image for image in images}
    assert stems(images[::-1]) == stems(images)


def test_a_prediction_never_takes_the_name_of_a_folder() -> None:
    with pytest.raises(UserError, match=r"name of a folder"):
        stems(["a.jpg", "a.png/b.jpg"])


paths = st.lists(
    st.from_regex(r"(?:[ab]{1,2}/){0,2}[ab_.]{1,3}\.(?:png|jpg|npy)", fullmatch=True),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)  # other work on the machine is no failure
@given(paths)
def test_no_two_images_share_a_file(images: list[str]) -> None:
    images = list({image.casefold(): image for image in images}.values())
    named = stems(images)
    for suffix in SUFFIXES:
        files = [Path(named[image] + suffix) for image in images]
        assert len(set(files)) == len(images)
        assert [file.parent for file in files] == [Path(image).parent for image in images]
