"""Batch norm of D2 re-estimated where it works, behind G and E1."""

from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from atdt.cli import main
from atdt.decode import DecoderAdaptation, Decoding, adapt_decoder, decode
from atdt.domains import open_domain
from atdt.errors import MismatchError, UserError
from atdt.runs import open_run
from atdt.training import BatchNormAdaptation, adapt_batch_norm, load_task_network
from atdt.training.adabn import batch_norm_layers
from atdt.transfer import load_transfer


@pytest.fixture
def adaptation(road, tmp_path):
    return DecoderAdaptation(
        run=road.n2,
        transfer=road.transfer,
        encoder=road.n1,
        domain=road.domain,
        out=tmp_path / "n2-behind-g",
        batch=5,
        device="cpu",
    )


def test_only_d2s_statistics_change_to_those_behind_g(road, adaptation):
    before, after = (load_task_network(p).network for p in (road.n2, adapt_decoder(adaptation)))
    changed = {
        name
        for name, tensor in after.state_dict().items()
        if not torch.equal(tensor, before.state_dict()[name])
    }
    assert changed and all(name.startswith("decoder.") for name in changed)
    assert {name.rpartition(".")[2] for name in changed} == {
        "running_mean", "running_var", "num_batches_tracked",
    }  # fmt: skip
    # All five images are one batch: the first layer's mean is that of what it sees.
    domain = open_domain(road.domain)
    pixels = torch.stack([torch.from_numpy(domain.image(i)) for i in range(5)])
    n1 = load_task_network(road.n1).network
    seen = []
    layer = batch_norm_layers(after.decoder)[0]
    layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        features = n1.encode(pixels.permute(0, 3, 1, 2) / 255)
        after.decode(load_transfer(road.transfer).module(features))
    torch.testing.assert_close(layer.running_mean, seen[0].mean(dim=(0, 2, 3)))
    info = open_run(adaptation.out).info["adapted"]
    assert info["layers"] == len(batch_norm_layers(after.decoder))
    assert info["transfer"]["name"] == road.transfer.name and info["mismatch"] == []


def test_it_decodes_in_n2s_place(road, adaptation, tmp_path):
    config = Decoding(
        transfer=road.transfer,
        encoder=road.n1,
        decoder=adapt_decoder(adaptation),
        domain=road.domain,
        out=tmp_path / "p",
        device="cpu",
    )
    assert decode(config) == config.out


def test_an_e1_of_other_statistics_is_let_through_and_noted(road, adaptation, tmp_path):
    n1 = adapt_batch_norm(
        BatchNormAdaptation(road.n1, road.domain, tmp_path / "n1-b", batch=5, device="cpu")
    )
    command = [
        *("adapt-bn", road.n2, "--transfer", road.transfer, "--encoder", n1, "--batch", 5),
        *("--domain", road.domain, "--out", tmp_path / "both", "--device", "cpu"),
    ]
    command = [str(word) for word in command]
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 2 and "does not belong to" in refused.stderr
    assert not (tmp_path / "both").exists()
    done = CliRunner().invoke(main, [*command, "--allow-mismatch", "encoder"])
    assert done.exit_code == 0, done.output
    assert "batch-norm layers now have the statistics of 5 images" in done.stdout
    (line,) = open_run(tmp_path / "both").info["adapted"]["mismatch"]
    assert line.startswith("E1: encoder: G was trained with")


def test_what_has_no_d2_or_another_is_refused(road, adaptation):
    with pytest.raises(UserError, match="is a head, behind which there is no D2"):
        adapt_decoder(replace(adaptation, transfer=road.head))
    with pytest.raises(MismatchError, match="its task is 'depth'"):
        adapt_decoder(replace(adaptation, run=road.n1))
    done = CliRunner().invoke(
        main, ["adapt-bn", "n2", "--domain", "b", "--out", "o", "--encoder", "n1"]
    )
    assert done.exit_code == 2 and "need --transfer" in done.stderr
