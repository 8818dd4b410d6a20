"""What a training costs, said before it starts."""

from atdt.training.load import load_task_network
from atdt.transfer import list_architectures, plan_training
from atdt.transfer.architectures import ARCHITECTURES
from atdt.transfer.setting import _natural, prepare


def test_a_plan_states_costs_feed_and_split_and_writes_nothing(config):
    planned = plan_training(config())
    setting = prepare(config())
    channels = setting.source_shape[0]
    width = 8
    assert planned.cost.parameters == (
        2 * channels * width + width + channels + 4 * (9 * width**2 + width)
    )
    area = setting.source_shape[1] * setting.source_shape[2]
    assert planned.cost.macs == area * (2 * channels * width + 4 * 9 * width**2)
    text = "\n".join(planned.lines)
    assert f"{planned.cost.parameters:,} parameters" in text
    assert f"feed: {planned.feed.reason}" in text
    assert f"{setting.train_samples} samples to train on, 9 steps of 5" in text
    assert f"held out: {setting.held_out.images} images" in text
    assert not config().out.exists()
    bare = plan_training(config(held_out=0.0))
    assert any("held out: no image" in line for line in bare.lines)


def test_the_list_prices_every_architecture_and_a_head_where_n2_is_known(config, ground):
    plain = list_architectures(config(architecture="bottleneck", options={"width": 8}))
    assert list(plain) == list(ARCHITECTURES)
    channels = prepare(config()).source_shape[0]
    assert plain["linear"].parameters == channels**2 + channels
    assert plain["paper"].parameters > 150_000_000
    priced = list_architectures(config(target_run=ground.n2))
    decoder = load_task_network(ground.n2).network.decoder
    of_decoder = sum(parameter.numel() for parameter in decoder.parameters())
    assert priced["head"].parameters == plain["bottleneck"].parameters + of_decoder
    assert priced["head"].macs > plain["bottleneck"].macs


def test_level10_is_deeper_than_level9():
    assert max(["level9", "level10", "level2"], key=_natural) == "level10"
    assert max(["mid", "level3"], key=_natural) == "mid"


def test_a_window_is_bounded_by_the_store_and_by_request(config):
    assert prepare(config()).geometry.blocks_per_window == 6
    assert prepare(config(window=2)).geometry.blocks_per_window == 2
    assert prepare(config(window=99)).geometry.blocks_per_window == 6


def test_a_body_whose_sides_come_out_otherwise_is_resized_and_that_is_said(config):
    # 20×28 pixels at stride 8 are 3×4 features; the paper's body gives multiples of 4
    planned = plan_training(config(architecture="paper", options={"width": 4}))
    line = "G's maps are resized bilinearly from 4×4 to 3×4, the size of semantic's"
    assert line in planned.lines
    assert not any("resized" in other for other in plan_training(config()).lines)
