"""A network with skips is trained, run and measured; what would cut it refuses it and names it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from atdt.decode import Decoding, Prediction, decode, predict
from atdt.domains import encodings
from atdt.errors import NetworkError
from atdt.evaluate import Evaluation, evaluate
from atdt.extract import Extraction, extract
from atdt.networks import NetworkSpec
from atdt.predictions import open_predictions
from atdt.texts import read_json
from atdt.training import (
    Auxiliary,
    BatchNormAdaptation,
    NetworkImport,
    TaskTraining,
    adapt_batch_norm,
    import_network,
    load_task_network,
    train_task,
)
from atdt.transfer import TransferTraining, load_transfer, train

SIZE = (18, 26)  # no multiple of the stride
OWN = """
from torch import nn
from atdt.networks.blocks import ZeroPaddedMaxPool, convolution
from atdt.networks.original import finished

def build(out_channels, skips=False):
    def layer(inputs, outputs, stride=1):
        return convolution(
            inputs, outputs, stride=stride, norm=nn.BatchNorm2d, activation=nn.ELU
        )

    stages = [
        nn.Sequential(layer(3, 4, 2), ZeroPaddedMaxPool()), layer(4, 6, 2), layer(6, 6), layer(6, 6)
    ]
    maps = {"0": 4, "0.0": 4}
    return finished(
        stages, 6, (5, 4), out_channels, nn.BatchNorm2d,
        stride=8, norm_at_half=False, skips=skips, maps=maps,
    )
"""


@dataclass(frozen=True)
class Ground:
    """A domain, runs of three networks, and a store and a G of the two without skips."""

    domain: str
    skipping: Path
    n1: Path
    n2: Path
    store: Path
    transfer: Path


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("skips")
    module = f"nets_{folder.name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        domain = write_domain(folder / "a")

        def trained(name, task, skips, **changes):
            network = NetworkSpec(f"{module}:build", {"skips": skips})
            config = TaskTraining(
                task=task,
                train=(domain,),
                network=network,
                out=folder / name,
                steps=2,
                batch=2,
                device="cpu",
                allow_import=True,
            )
            return train_task(replace(config, **changes))

        n1, n2 = trained("n1", "edges", False), trained("n2", "semantic", False)
        skipping = trained(
            "skipping",
            "semantic",
            True,
            validation=(domain,),
            auxiliary=Auxiliary("edges", (domain,)),
            init_from=n2,
        )
        store = extract(extraction(domain, folder / "a.zarr", n1, n2))
        transfer = train(transferring(store, folder / "g", n2))
        yield Ground(domain, skipping, n1, n2, store, transfer)


def write_domain(folder):
    generator = np.random.default_rng(0)
    for index in range(4):
        image, label = folder / f"{index}.png", folder / "label" / f"{index}.png"
        encodings.write_png(image, generator.integers(0, 256, (*SIZE, 3), np.uint8))
        encodings.write_png(label, generator.integers(0, 4, SIZE, np.uint8))
    lines = "".join(f"{index}.png;label/{index}.png\n" for index in range(4))
    (folder / "train.txt").write_text(lines)
    (folder / "domain.toml").write_text(
        'name = "a"\nlabel_space = "coarse4"\ncolumns = ["image", "semantic"]\n'
        '[lists]\ntrain = "train.txt"\n'
    )
    return f"{folder}:train"


def extraction(domain, out, *runs):
    return Extraction(
        domain=domain,
        encoders=tuple((None, run) for run in runs),
        out=out,
        labels=("semantic",),
        device="cpu",
        allow_import=True,
    )


def transferring(store, out, target_run, **changes):
    config = TransferTraining(
        store=store,
        source="edges",
        target="semantic",
        out=out,
        steps=1,
        batch=2,
        target_run=target_run,
        device="cpu",
        allow_import=True,
    )
    return replace(config, **changes)


def test_it_is_predicted_with_and_measured(ground, tmp_path):
    made = open_predictions(
        predict(
            Prediction(
                run=ground.skipping,
                domain=ground.domain,
                out=tmp_path / "p",
                device="cpu",
                save_logits=True,
                save_features=True,
                save_dtype="float32",
                allow_import=True,
            )
        )
    )
    network = load_task_network(ground.skipping, allow_import=True).network
    image = made.images[0]
    pixels = encodings.read_png(Path(ground.domain.removesuffix(":train")) / image)
    batch = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        output, features = network.output_and_features(batch)
    logits = np.load(made.folder / made.info["logits"][image])
    assert logits.shape == (4, *SIZE)
    assert np.allclose(logits, output[0], atol=1e-4)
    kept = np.load(made.folder / made.info["features"][image])
    assert np.allclose(kept, features[0], atol=1e-4)
    metrics = read_json(evaluate(Evaluation(made.folder, ground.domain, bootstrap=0)))
    assert 0 <= metrics["scores"]["miou"] <= 1


def test_its_batch_norm_is_adapted_and_its_weights_are_imported(ground, tmp_path):
    adapted = adapt_batch_norm(
        BatchNormAdaptation(
            run=ground.skipping,
            domain=ground.domain,
            out=tmp_path / "adapted",
            batch=2,
            device="cpu",
            allow_import=True,
        )
    )
    spec = NetworkSpec.from_dict(read_json(adapted / "run.json")["network"])
    (tmp_path / "p.toml").write_text("mean = [0, 0, 0]\nstd = [1, 1, 1]\n")
    imported = import_network(
        NetworkImport(
            network=spec,
            weights=adapted / "weights.safetensors",
            task="semantic",
            label_space="coarse4",
            preprocessing=tmp_path / "p.toml",
            out=tmp_path / "imported",
            unscored=True,
            device="cpu",
        )
    )
    first, same, other = (
        load_task_network(run, allow_import=True).network.weights_digest("network")
        for run in (adapted, imported, ground.skipping)
    )
    assert first == same != other


def test_extract_refuses_it(ground, tmp_path):
    config = extraction(ground.domain, tmp_path / "s.zarr", ground.skipping)
    refused(lambda: extract(config), ground.skipping)
    assert not config.out.exists()


@pytest.mark.parametrize("changes", [{}, {"architecture": "head"}, {"losses": {"match": 1.0}}])
def test_train_refuses_it(ground, tmp_path, changes):
    config = transferring(ground.store, tmp_path / "g", ground.skipping, **changes)
    refused(lambda: train(config), ground.skipping)
    assert not (config.out / "run.json").exists()


@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_decode_refuses_it(ground, tmp_path, side):
    config = Decoding(
        transfer=ground.transfer,
        domain=ground.domain,
        out=tmp_path / "p",
        device="cpu",
        encoder=ground.n1,
        decoder=ground.n2,
        allow_mismatch=("encoder", "preprocessing"),
        allow_import=True,
    )
    assert decode(config) == config.out
    config = replace(config, out=tmp_path / "q", **{side: ground.skipping})
    refused(lambda: decode(config), ground.skipping)
    assert not config.out.exists()


def test_a_head_that_claims_to_end_in_it_is_refused(ground, tmp_path):
    head = train(transferring(ground.store, tmp_path / "head", ground.n2, architecture="head"))
    text = (head / "run.json").read_text()
    assert text.count('"skips": false') == 1
    (head / "run.json").write_text(text.replace('"skips": false', '"skips": true'))
    with pytest.raises(NetworkError, match=r"^network 'nets_.*:build': has skips, so it cannot be"):
        load_transfer(head, allow_import=True)


def refused(use, run):
    with pytest.raises(NetworkError) as refusal:
        use()
    message = str(refusal.value)
    assert message.startswith(f"{run}: has skips, so it cannot be cut")
    assert "\n" not in message
