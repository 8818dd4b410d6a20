"""Predictions and measurements from strangers.

Names that lead elsewhere: tests/test_predictions.py, tests/decode/test_predict.py and
tests/evaluate/test_records.py; .npy files: test_images.py.
"""

import io
import zipfile

import numpy as np
import pytest

from atdt.decode.folder import PredictionsWriter
from atdt.digests import sha256_file
from atdt.errors import UserError
from atdt.evaluate import records as records_module
from atdt.evaluate.records import load_measured
from atdt.predictions import INDEX, LEDGER, open_predictions
from atdt.texts import write_json

INFO = {
    "schema": 1,
    "complete": True,
    "task": "depth",
    "label_space": {},
    "domain": {},
    "view": {},
    "method": {},
    "mismatch": [],
}


@pytest.mark.parametrize(
    "name", ["../x.npy", "/etc/passwd", "out/x.npy", "loop/x", "a\0b", "a" * 10**5]
)
def test_no_prediction_leaves_the_folder(tmp_path, name):
    folder = tmp_path / "p"
    write_json(folder / INDEX, INFO | {"files": {"a.png": name}})
    (tmp_path / "x.npy").write_text("secret")
    (folder / "out").symlink_to(tmp_path)
    (folder / "loop").symlink_to("loop")
    with pytest.raises(UserError, match=r"predictions\.json: files\['a\.png'\]"):
        open_predictions(folder).path("a.png")


@pytest.mark.parametrize("content", ["deep", '{"schema": ' + "9" * 5000 + "}"])
def test_json_that_no_reader_can_take(tmp_path, deep, content, refused):
    (tmp_path / INDEX).write_text(deep if content == "deep" else content)
    with pytest.raises(UserError, match=r"predictions\.json: not valid JSON"):
        open_predictions(tmp_path)
    line = refused("evaluate", tmp_path, "--domain", tmp_path / "none")
    assert "predictions.json" in line


def test_an_index_that_would_fill_the_memory_is_not_read(tmp_path, frugal):
    with (tmp_path / INDEX).open("wb") as file:
        file.truncate(2**40)
    with frugal(), pytest.raises(UserError, match=r"predictions\.json: has .* no more than"):
        open_predictions(tmp_path)


def test_progress_that_no_reader_can_take(tmp_path, deep):
    (tmp_path / LEDGER).write_text(deep + "\n")
    writer = PredictionsWriter(tmp_path, {"task": "depth"}, ["a.png"], ["predictions"], resume=True)
    with pytest.raises(UserError, match=r"progress\.jsonl: damaged"), writer:
        pass


def measured(folder, data, **named):
    folder.mkdir(exist_ok=True)
    (folder / "records.npz").write_bytes(data)
    digest = sha256_file(folder / "records.npz")
    named = {"file": "records.npz", "sha256": digest} | named
    return write_json(folder / "metrics.json", {"schema": 1, "records": named})


def npy_header(shape):
    buffer = io.BytesIO()
    described = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


def archive(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(f"{name}.npy", data)
    return buffer.getvalue()


@pytest.mark.parametrize(  # an archive tells the time: each process would name it otherwise
    "data",
    [b"", b"no archive", archive(image=npy_header((10**13,))), archive(x=b""), archive()],
    ids=["nothing", "no archive", "a huge header", "another array", "no array"],
)
def test_statistics_that_are_none(tmp_path, frugal, data):
    path = measured(tmp_path / "m", data)
    with frugal(), pytest.raises(UserError, match=r"records\.npz: (holds no|names no)"):
        load_measured(path)


def test_statistics_that_would_fill_the_memory_are_not_read(tmp_path, frugal, monkeypatch):
    path = measured(tmp_path / "m", archive(image=npy_header((2**24,)) + bytes(2**27)))
    assert path.with_name("records.npz").stat().st_size < 2**18
    monkeypatch.setattr(records_module, "LARGEST_RECORDS", 2**26)
    with frugal(), pytest.raises(UserError, match=r"records\.npz: expands to"):
        load_measured(path)


def test_statistics_that_are_a_pickle_are_not_run(tmp_path, canary):
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, image=np.array([canary], dtype=object))
    path = measured(tmp_path / "m", buffer.getvalue())
    with pytest.raises(UserError, match=r"records\.npz: holds no statistics"):
        load_measured(path)
    assert not canary.path.exists()


@pytest.mark.parametrize(
    "named", [{"file": "../records.npz"}, {"file": "/etc/passwd"}, {"file": 7}]
)
def test_statistics_stay_in_their_folder(tmp_path, named):
    path = measured(tmp_path / "m", b"", **named)
    (tmp_path / "records.npz").write_bytes(b"")
    with pytest.raises(UserError, match=r"must be a path below|absent or changed"):
        load_measured(path)
