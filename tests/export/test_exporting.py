"""Files that predict what `atdt decode` and `atdt predict` do, or that are not there."""

import json
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from atdt.domains import open_domain
from atdt.export import onnx_file, torch_file
from atdt.predictions import open_predictions
from atdt.runs import open_run
from atdt.training.load import load_task_network
from atdt.transfer import load_transfer

OWN = ["--allow-import"]
SIZED = ["--size", "20x28", "--device", "cpu", "--out"]


def images_of(exportable) -> np.ndarray:
    """The images of A as a file takes them, uint8 (N, 3, H, W)."""
    domain = open_domain(exportable.ground.domain)
    return np.stack([domain.image(index).transpose(2, 0, 1) for index in range(len(domain))])


def loaded(file: Path):
    """As one loads it without atdt: images -> an array."""
    if file.suffix == ".pt2":
        program = torch.export.load(file).module()
        return lambda images: program(torch.from_numpy(images)).numpy()
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images})[0]


def noted(file: Path) -> dict:
    """The metadata, as one reads it without atdt."""
    if file.suffix == ".pt2":
        with zipfile.ZipFile(file) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith("extra/atdt.json")]
            return json.loads(archive.read(name))
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return json.loads(session.get_modelmeta().custom_metadata_map["atdt"])


def predicted(call, exportable, run: Path, folder: Path, *options) -> tuple[np.ndarray, np.ndarray]:
    """What atdt predicts by a run, and the decoder's outputs."""
    verb = "decode" if open_run(run).kind == "transfer" else "predict"
    options += ("--domain", exportable.ground.domain, "--device", "cpu", "--save-logits")
    done = call(verb, run, "--out", folder, "--save-dtype", "float32", *options)
    assert done.exit_code == 0, done.output
    made = open_predictions(folder)
    logits = [np.load(folder / file) for file in made.info["logits"].values()]
    files = [made.path(image) for image in made.images]
    if made.task != "depth":
        return np.empty(0), np.stack(logits)
    return np.stack([np.load(file) for file in files]), np.stack(logits)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("g", ".pt2"),
        ("g", ".onnx"),
        ("ridge", ".pt2"),
        ("head", ".pt2"),
        ("levels", ".onnx"),
    ],
)
def test_classes_are_those_of_decode(call, exportable, exported, tmp_path, name, suffix) -> None:
    _, logits = predicted(call, exportable, exportable.runs[name], tmp_path / "p")
    found = loaded(exported(name, suffix))(images_of(exportable))
    assert (found.dtype, found.shape) == (np.uint8, (12, 20, 28))
    assert len(np.unique(found)) > 1
    chosen = np.take_along_axis(logits, found[:, None].astype(int), axis=1)
    assert np.all(logits.max(axis=1) - chosen[:, 0] <= 1e-5 * np.abs(logits).max())


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_metres_are_those_of_decode(call, exportable, tmp_path, suffix) -> None:
    run, file = exportable.runs["to depth"], tmp_path / f"made{suffix}"
    done = call("export", run, *SIZED, file, "--encoder", exportable.ground.n2)
    assert done.exit_code == 0, done.output
    metres, _ = predicted(call, exportable, run, tmp_path / "p")
    found = loaded(file)(images_of(exportable))
    assert found.dtype == np.float32
    assert np.ptp(metres) > 0.1
    assert np.abs(found - metres).max() < 1e-5 * metres.max()


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_a_network_with_skips_goes_into_a_file_as_it_is(call, exportable, tmp_path, suffix) -> None:
    run, file = exportable.runs["skips"], tmp_path / f"made{suffix}"
    done = call("export", run, *OWN, *SIZED, file, "--raw")
    assert done.exit_code == 0, done.output
    _, logits = predicted(call, exportable, run, tmp_path / "p", *OWN)
    found = loaded(file)(images_of(exportable))
    assert found.shape == (12, 3, 20, 28)
    assert np.allclose(found, logits, rtol=0, atol=1e-5)


def test_autocast_is_in_the_file(call, exportable, tmp_path) -> None:
    run, file, narrow = exportable.ground.n1, tmp_path / "made.pt2", ("--precision", "bfloat16")
    done = call("export", run, *SIZED, file, *narrow)
    assert done.exit_code == 0, done.output
    metres, _ = predicted(call, exportable, run, tmp_path / "p", *narrow)
    exact, _ = predicted(call, exportable, run, tmp_path / "q")
    found = loaded(file)(images_of(exportable))
    assert np.abs(found - metres).max() < np.abs(exact - metres).max() / 4
    assert noted(file)["computed"] == {"device": "cpu", "precision": "bfloat16"}


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_images_may_be_of_any_size_and_any_number(call, exportable, tmp_path, suffix) -> None:
    file = tmp_path / f"made{suffix}"
    options = ["--size", "16x24", "--dynamic-size", "--input", "float32", "--device", "cpu"]
    done = call("export", exportable.ground.n1, "--out", file, *options)
    assert done.exit_code == 0, done.output
    network, predict = load_task_network(exportable.ground.n1).network, loaded(file)
    for shape in ((1, 3, 16, 24), (3, 3, 40, 16), (2, 3, 24, 56)):
        images = torch.rand(shape, generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            metres = 100 * network(images)[:, 0].numpy()
        assert np.abs(predict(images.numpy()) - metres).max() < 1e-5 * metres.max()
    assert noted(file)["input"]["shape"] == ["batch", 3, "8*rows", "8*columns"]
    if suffix == ".pt2":
        with pytest.raises(RuntimeError, match=r"shape\[2\] = 20 to be of the form 8"):
            predict(np.zeros((1, 3, 20, 24), np.float32))


def test_a_fixed_batch_is_the_only_one(call, exportable, tmp_path) -> None:
    file = tmp_path / "made.onnx"
    done = call("export", exportable.runs["skips"], *OWN, *SIZED, file, "--batch", 3)
    assert done.exit_code == 0, done.output
    assert loaded(file)(images_of(exportable)[:3]).shape == (3, 3, 20, 28)
    assert noted(file)["input"]["shape"] == [3, 3, 20, 28]
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument):
        loaded(file)(images_of(exportable)[:2])


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_a_file_says_what_it_is(exportable, exported, suffix) -> None:
    run, ground = exportable.runs["g"], exportable.ground
    said = noted(exported("g", suffix))
    assert said["task"] == "semantic"
    assert said["input"] == {
        "name": "images",
        "dtype": "uint8",
        "shape": ["batch", 3, 20, 28],
        "channels": "RGB",
        "range": [0, 255],
    }
    assert said["output"] == {
        "name": "prediction",
        "dtype": "uint8",
        "shape": ["batch", 20, 28],
        "unit": "id of a class",
    }
    assert said["label_space"] == load_task_network(ground.n2).space.to_dict()
    runs = {"transfer": run, "encoder": ground.n1, "decoder": ground.n2}
    for part, path in runs.items():
        assert said["runs"][part]["sha256"] == open_run(path).info["weights"]["sha256"]
    assert said["mismatch"] == []
    assert ("onnxruntime" in said["provenance"]["versions"]) == (suffix == ".onnx")


def test_nothing_in_a_file_is_unpickled(exported, monkeypatch) -> None:
    file = exported("g", ".pt2")

    def unpickle(*_, **__):
        raise AssertionError("unpickled")

    for function in ("torch.load", "pickle.load", "pickle.loads", "pickle.Unpickler"):
        monkeypatch.setattr(function, unpickle)
    assert torch_file.load(file)(torch.zeros(1, 3, 20, 28, dtype=torch.uint8)).shape == (1, 20, 28)


def test_only_what_is_run_is_in_the_file(exportable, exported) -> None:
    run, ground, file = exportable.runs["g"], exportable.ground, exported("g", ".pt2")
    n1, n2 = (load_task_network(path).network for path in (ground.n1, ground.n2))
    used = (*n1.stages.parameters(), *load_transfer(run).module.parameters())
    wanted = sum(weight.numel() for weight in (*used, *n2.decoder.parameters()))
    parameters = torch.export.load(file).parameters()
    assert sum(parameter.numel() for parameter in parameters) == wanted


def test_it_says_how_far_how_fast_and_how_large(call, exportable, tmp_path, timed) -> None:
    options = ["--out", tmp_path / "a.onnx", "--on", exportable.ground.domain]
    done = call("export", exportable.runs["g"], *options)
    assert done.exit_code == 0, done.output
    apart, classes, mine, baseline, how, file = done.stdout.splitlines()
    assert apart.startswith("differs from PyTorch by ")
    assert apart.split(" of the largest output, ")[1].startswith("on 4 images of a:train; up to ")
    assert classes == f"0 of {4 * 20 * 28} pixels have another class"
    for line, name in ((mine, "a.onnx"), (baseline, "baseline n2")):
        assert line.startswith(f"{name}: ")
        assert " ms an image [" in line
        assert line.endswith(" MB")
    size = f"{(tmp_path / 'a.onnx').stat().st_size / 1e6:.3g} MB"
    assert mine.endswith(size)
    assert how.startswith("median [quartiles] of 2 runs: batch 1, 20x28, cpu, threads ")
    assert file == str(tmp_path / "a.onnx")


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_a_file_that_predicts_something_else_is_deleted(
    call, exportable, tmp_path, monkeypatch, suffix
) -> None:
    form = torch_file if suffix == ".pt2" else onnx_file
    honest = form.load
    monkeypatch.setattr(form, "load", lambda file: lambda images: 1.01 * honest(file)(images))
    file = tmp_path / f"made{suffix}"
    file.write_bytes(b"the last one")
    done = call("export", exportable.runs["skips"], *OWN, *SIZED, file, "--overwrite")
    refused(done, "not written: it differs from PyTorch by 0.0")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert file.read_bytes() == b"the last one"


def test_a_tolerance_of_one_s_own(call, exportable, tmp_path, monkeypatch) -> None:
    honest, file = torch_file.load, tmp_path / "a.pt2"
    monkeypatch.setattr(torch_file, "load", lambda file: lambda images: 1.01 * honest(file)(images))
    done = call("export", exportable.runs["skips"], *OWN, *SIZED, file, "--tolerance", 0.02)
    assert done.exit_code == 0, done.output
    assert " of the largest output, on 4 random images; up to 0.02 is rounding" in done.stdout


def test_what_does_not_belong_together_is_refused_as_decode_does(
    call, exportable, tmp_path
) -> None:
    run, ground, file = exportable.runs["g"], exportable.ground, tmp_path / "a.pt2"
    refused(
        call("export", run, *SIZED, file, "--decoder", ground.other),
        f"{ground.other}: does not belong to {run}: E2 of D2: encoder: G was trained with",
    )
    refused(
        call("export", run, *SIZED, file, "--encoder", ground.n2), "its task is 'semantic', but"
    )
    refused(
        call("export", exportable.runs["head"], *SIZED, file, "--decoder", ground.n2),
        "is a head, which decodes by itself",
    )
    skips = exportable.runs["skips"]
    done = call("export", run, *OWN, *SIZED, file, "--encoder", skips)
    refused(done, "has skips, so it cannot")
    refused(call("export", ground.n1, *SIZED, file, "--encoder", ground.n1), "a whole network")
    refused(
        call("export", ground.n1, *SIZED, file, "--baseline", ground.n2),
        "predicts semantic, but",
    )
    assert not list(tmp_path.iterdir())
    allowed = ["--decoder", ground.other, "--allow-mismatch", "encoder"]
    done = call("export", run, *SIZED, file, *allowed)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("mismatch allowed: E2 of D2: encoder: ")
    assert noted(file)["mismatch"][0].startswith("E2 of D2: encoder: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "a.onnx", "--format", "torch"], "a file of --format torch ends in .pt2"),
        (["--out", "a.pth"], "a file ends in .pt2 or .onnx"),
        (["--out", "a.pt2"], "--size HEIGHTxWIDTH, or images by --on"),
        (["--out", "a.onnx", "--precision", "bfloat16", "--size", "8x8"], "no convolution in it"),
        (["--out", "a.onnx", "--device", "cuda", "--size", "8x8"], "runs anywhere"),
        (["--out", "a.pt2", "--size", "9x8", "--on", "DOMAIN"], "is 20x28, but the file takes 9x8"),
        (["--out", "a.pt2", "--on", "nowhere:train"], "nowhere"),
        (["--out", ".", "--format", "torch", "--size", "8x8"], "ends in .pt2"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    call, exportable, tmp_path, monkeypatch, options, message
) -> None:
    monkeypatch.chdir(tmp_path)
    options = [exportable.ground.domain if word == "DOMAIN" else word for word in options]
    refused(call("export", exportable.ground.n1, *options), message)
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_replaced_only_on_demand(call, exportable, tmp_path) -> None:
    file = tmp_path / "a.pt2"
    file.write_bytes(b"mine")
    refused(call("export", exportable.ground.n1, *SIZED, file), "--overwrite replaces it")
    assert file.read_bytes() == b"mine"
    (tmp_path / "b.pt2").mkdir()
    done = call("export", exportable.ground.n1, *SIZED, tmp_path / "b.pt2", "--overwrite")
    refused(done, "is a folder; name a file")


def test_packages_that_are_missing_are_named(call, exportable, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None if name == "onnx" else name)
    done = call("export", exportable.ground.n1, *SIZED, tmp_path / "a.onnx")
    refused(done, '.onnx needs onnx, not installed here: pip install "atdt[onnx]"')


def refused(done, message: str) -> None:
    """One line on stderr, and exit code 2."""
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
