"""docs/networks.md: its networks are built as it says, and its table is true."""

import re
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from atdt.networks import BUILT_IN, NetworkSpec, build_network, macs, parameters

TEXT = Path(__file__).parents[2].joinpath("docs", "networks.md").read_text()
OWN, CUT = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)
ROW = re.compile(
    r"^\| `(?P<name>[\w-]+)` \| (?P<encoder>[\d.]+) M.*?, (?P<encoder_macs>[\d.]+) G.*?"
    r"\| (?P<decoder>[\d.]+) M, (?P<decoder_macs>[\d.]+) G \|.*"
    r"\| (?P<height>\d+)×(?P<width>\d+) \|$",
    re.M,
)

SKIPS = re.compile(
    r"`(?P<name>[\w-]+)`\s\(\+(?P<parameters>[\d.]+) M(?: parameters)?, \+(?P<macs>[\d.]+) G\)"
)


def test_a_network_of_one_s_own_is_built_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "mynets.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    network = build_network(NetworkSpec("mynets:build", {"width": 16}), 7, allow_import=True)
    monkeypatch.delitem(sys.modules, "mynets")
    assert network(torch.rand(2, 3, 19, 30)).shape == (2, 7, 19, 30)
    assert network.feature_shape("level2", (19, 30)) == (32, 3, 4)
    assert network.mean == (0.5, 0.5, 0.5)


def test_the_cut_module_is_what_the_page_says():
    exec(compile(CUT, "docs/networks.md", "exec"), {})


def test_the_table_lists_all_that_is_built_in():
    assert {row["name"] for row in ROW.finditer(TEXT)} == set(BUILT_IN)


@pytest.mark.parametrize("row", list(ROW.finditer(TEXT)), ids=lambda row: row["name"])
def test_the_table_is_true(row):
    size = int(row["height"]), int(row["width"])
    with torch.device("meta"):
        network = build_network(NetworkSpec(row["name"]), 11)
    channels, *sides = network.feature_shape(None, size)
    encoder = nn.Sequential(*network.stages)
    counted = {
        "encoder": sum(p.numel() for p in encoder.parameters()) / 1e6,  # frozen ones, too
        "decoder": parameters(network.decoder) / 1e6,
        "encoder_macs": macs(encoder, size) / 1e9,
        "decoder_macs": macs(network.decoder, tuple(sides), channels) / 1e9,
    }
    for what, value in counted.items():
        decimals = len(row[what].partition(".")[2])
        assert f"{value:.{decimals}f}" == row[what], what


def test_what_skips_cost_is_true():
    found = {match["name"]: match for match in SKIPS.finditer(TEXT)}
    assert set(found) == {"dilated-resnet50", "atdt-resnet50", "atdt-vgg"}
    for name, said in found.items():
        with torch.device("meta"):
            plain, skipping = (
                build_network(NetworkSpec(name, {"skips": skips}), 11) for skips in (False, True)
            )
        more = (parameters(skipping) - parameters(plain)) / 1e6
        assert f"{more:.2f}" == said["parameters"], name
        more = (macs(skipping, (512, 512)) - macs(plain, (512, 512))) / 1e9
        assert f"{more:.1f}" == said["macs"], name
