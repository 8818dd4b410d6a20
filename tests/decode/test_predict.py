"""A task network alone: every size of image, every form of output, and killed runs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from atdt.decode import Prediction, predict
from atdt.decode.folder import PredictionsWriter
from atdt.decode.output import Sink
from atdt.decode.sources import ImageSource
from atdt.domains import open_domain
from atdt.errors import DomainError, MismatchError, NumericsError, RunError, UserError
from atdt.hold import exclusive
from atdt.predictions import INDEX, LEDGER, open_predictions
from atdt.runs import open_run
from atdt.tasks import get_task
from atdt.training.load import load_task_network


@pytest.fixture
def config(road, tmp_path: Path) -> Prediction:
    return Prediction(run=road.n1, domain=road.domain, out=tmp_path / "p", batch=2, device="cpu")


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != INDEX)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_network_is_what_is_predicted(config: Prediction, road) -> None:
    made = open_predictions(predict(config))
    domain, network = open_domain(road.domain), load_task_network(road.n1).network
    for index, image in enumerate(made.images):
        pixels = torch.from_numpy(domain.image(index)).permute(2, 0, 1)[None] / 255
        with torch.inference_mode():
            metres = 100 * network(pixels)[0, 0]
        assert np.allclose(made.read(image, get_task("depth")), metres, atol=1e-3)
    assert made.method["kind"] == "network"
    assert made.method["network"]["sha256"] == open_run(road.n1).info["weights"]["sha256"]


def test_images_of_many_sizes(config: Prediction, tmp_path: Path, write_domain) -> None:
    images = {"a.png": (17, 30), "b.png": (24, 16), "c.png": (17, 30), "d.png": (9, 9)}
    made = open_predictions(predict(replace(config, domain=write_domain(tmp_path / "m", images))))
    assert made.images == tuple(images)
    for image, size in images.items():
        assert made.read(image, get_task("depth")).shape == size


def test_images_that_differ_by_suffix_only(config: Prediction, tmp_path, write_domain) -> None:
    images = {"a.png": (12, 16), "a.bmp": (12, 20)}
    made = open_predictions(predict(replace(config, domain=write_domain(tmp_path / "m", images))))
    assert made.info["files"] == {
        "a.png": "predictions/a.png.npy",
        "a.bmp": "predictions/a.bmp.npy",
    }
    assert made.read("a.bmp", get_task("depth")).shape == (12, 20)


def test_depth_as_png(config: Prediction) -> None:
    exact = open_predictions(predict(config))
    coarse = open_predictions(
        predict(replace(config, depth_format="png", out=config.out.with_name("q")))
    )
    assert coarse.path(coarse.images[0]).suffix == ".png"
    for image in exact.images:
        metres = exact.read(image, get_task("depth")).clip(1 / 256, 65535 / 256)
        assert np.abs(coarse.read(image, get_task("depth")) - metres).max() <= 0.51 / 256


def test_kept_arrays_are_float16_unless_they_cannot(config: Prediction) -> None:
    made = open_predictions(predict(replace(config, save_features=True, save_logits=True)))
    image = made.images[0]
    features = np.load(made.folder / made.info["features"][image])
    logits = np.load(made.folder / made.info["logits"][image])
    assert features.dtype == logits.dtype == np.float16
    assert np.allclose(100 * logits[0], made.read(image, get_task("depth")), atol=0.1)


def test_outputs_that_are_no_numbers_are_refused(
    config: Prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = torch.zeros(2, 1, 4, 4)
    huge[1] = 1e6
    monkeypatch.setattr("atdt.networks.TaskNetwork.decode", lambda *_, **__: huge)
    with pytest.raises(NumericsError, match=r"x/y_0\.png: .*--save-dtype float32"):
        predict(replace(config, save_logits=True))
    huge[1, 0, 2, 3] = torch.nan
    with pytest.raises(NumericsError, match=r"x/y_0\.png: the output holds NaN"):
        predict(replace(config, resume=False, overwrite=True))
    assert not (config.out / INDEX).exists()


@pytest.mark.parametrize("survivors", [0, 1, 3, 4])
def test_a_killed_run_resumes_to_the_same_files(
    config: Prediction, monkeypatch: pytest.MonkeyPatch, survivors: int
) -> None:
    whole = predict(replace(config, save_features=True, out=config.out.with_name("whole")))
    config = replace(config, save_features=True)
    doomed = open_predictions(whole).images[survivors:]
    real = Sink.save

    def dying(self, image, arrays):
        if image in doomed:
            raise KeyboardInterrupt
        return real(self, image, arrays)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Sink, "save", dying)
        predict(config)
    with pytest.raises(UserError, match="repeat their command with --resume"):
        open_predictions(config.out)
    read = []
    real_read = ImageSource.read
    with monkeypatch.context() as patch:
        patch.setattr(
            ImageSource, "read", lambda self, batch: read.append(batch) or real_read(self, batch)
        )
        predict(replace(config, resume=True))
    assert len(read) == 3 - survivors // 2  # of three batches: whole ones are not computed again
    assert contents(config.out) == contents(whole)
    infos = [open_predictions(folder).info for folder in (config.out, whole)]
    for info in infos:
        del info["provenance"]
    assert infos[0] == infos[1]


def test_resume_begins_where_nothing_is_and_ends_where_all_is(config: Prediction) -> None:
    folder = predict(replace(config, resume=True))
    before = (folder / INDEX).stat().st_mtime_ns
    assert predict(replace(config, resume=True)) == folder
    assert (folder / INDEX).stat().st_mtime_ns == before


def test_resume_finds_what_has_moved(config: Prediction, road, tmp_path: Path) -> None:
    predict(config)
    moved = shutil.copytree(Path(road.domain.removesuffix(":test")), tmp_path / "moved")
    predict(replace(config, resume=True, domain=f"{moved}:test"))


def test_resume_trusts_neither_a_missing_file_nor_a_torn_ledger(config: Prediction) -> None:
    folder = predict(config)
    whole, info = contents(folder), json.loads((folder / INDEX).read_text())
    header = {key: info[key] for key in info if key not in ("schema", "provenance", "complete")}
    files = header.pop("files")
    entries = [{"image": image, "predictions": file} for image, file in files.items()]
    lines = [json.dumps(entry) for entry in [{"header": header}, *entries]]
    (folder / LEDGER).write_text("\n".join(lines[:3]) + "\n" + lines[3][:20])
    (folder / INDEX).unlink()
    (folder / files["x_y/0.png"]).unlink()
    predict(replace(config, resume=True))
    assert contents(folder) == whole


def test_resume_with_other_settings_is_refused(config: Prediction, road) -> None:
    predict(config)
    for changes, message in (
        ({"batch": 3}, r"computed\.batch: the run has 2, now 3"),
        ({"run": road.other}, r"method\.network\.sha256"),
        ({"save_logits": True}, r"arrays\.logits"),
        ({"crop": (8, 8)}, r"view\.crop"),
    ):
        with pytest.raises(MismatchError, match=message):
            predict(replace(config, resume=True, **changes))


def test_what_is_there_is_replaced_only_on_demand(config: Prediction, road) -> None:
    folder = predict(replace(config, save_logits=True))
    (folder / "metrics.json").write_text("{}")
    with pytest.raises(UserError, match="--overwrite replaces"):
        predict(config)
    predict(replace(config, run=road.n2, overwrite=True))
    assert not (folder / "metrics.json").exists()
    assert not (folder / "logits").exists()
    assert not list(folder.rglob("*.npy"))


@pytest.mark.parametrize("option", ["resume", "overwrite"])
def test_a_folder_of_something_else_is_left_alone(config: Prediction, option: str) -> None:
    config.out.mkdir()
    (config.out / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files"):
        predict(replace(config, **{option: True}))
    assert [path.name for path in config.out.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("out", ["new/p", "p"])
def test_a_refusal_makes_no_folder(config: Prediction, tmp_path: Path, out: str) -> None:
    both = replace(config, out=tmp_path / out, resume=True, overwrite=True)
    with pytest.raises(UserError, match="exclude each other"):
        predict(both)
    with (
        pytest.raises(UserError, match="exclude each other"),
        PredictionsWriter(both.out, {}, ["a.png"], ["predictions"], resume=True, overwrite=True),
    ):
        pass
    assert not both.out.exists()


def test_a_second_writer_is_refused_until_the_first_is_done(config: Prediction) -> None:
    again = replace(config, resume=True)
    with exclusive(config.out):
        for second in (config, again, replace(config, overwrite=True)):
            with pytest.raises(RunError, match="another process is writing it; wait for it"):
                predict(second)
        assert not contents(config.out)
    assert predict(again) == config.out


def test_a_ledger_that_leads_elsewhere_is_refused(config: Prediction) -> None:
    predict(config)
    info = json.loads((config.out / INDEX).read_text())
    header = {k: info[k] for k in info if k not in ("schema", "provenance", "complete", "files")}
    entry = {"image": "x_y/0.png", "predictions": "../../secret.npy"}
    (config.out / LEDGER).write_text(f"{json.dumps({'header': header})}\n{json.dumps(entry)}\n")
    (config.out / INDEX).unlink()
    with pytest.raises(UserError, match=r"must be a path below"):
        predict(replace(config, resume=True))


def test_bad_images_are_named_or_skipped(config: Prediction, tmp_path, write_domain) -> None:
    spec = write_domain(tmp_path / "m", {"a.png": (12, 16), "b.png": (12, 16)})
    (tmp_path / "m" / "b.png").write_bytes(b"no image")
    with pytest.raises(DomainError, match=r"test\.txt:2: .*b\.png"):
        predict(replace(config, domain=spec))
    shutil.rmtree(config.out, ignore_errors=True)
    made = open_predictions(predict(replace(config, domain=spec, skip_bad=True)))
    assert made.images == ("a.png",)
    assert len(made.info["skipped"]) == 1
