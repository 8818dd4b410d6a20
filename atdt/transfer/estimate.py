"""What a training will cost, said before it starts."""

import dataclasses
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from atdt.devices import pick_device
from atdt.ranks import ALONE, Ranks
from atdt.transfer.architectures import ARCHITECTURES
from atdt.transfer.building import build, transfer_of
from atdt.transfer.config import HEAD, TransferTraining
from atdt.transfer.cost import Cost, cost
from atdt.transfer.head import Head
from atdt.transfer.memory import FeedChoice, choose_feed, free_bytes
from atdt.transfer.network import TransferNetwork
from atdt.transfer.on_b import OnB, with_b
from atdt.transfer.setting import Setting, prepare


@dataclass(frozen=True)
class TransferEstimate:
    """Of a training that has not started.

    Attributes:
        cost: of the network, a sample.
        feed: which feed, and why.
        lines: all of it for a user.
    """

    cost: Cost
    feed: FeedChoice
    lines: tuple[str, ...]


def plan_training(config: TransferTraining) -> TransferEstimate:
    """What `train(config)` would do; nothing is written.

    Raises:
        UserError, MismatchError: as `train`.
    """
    setting = with_b(config, prepare(config))
    network = sketch(config, setting)
    price = cost(network, setting.source_shape)
    choice = feed_choice(config, setting, pick_device(config.device))
    return TransferEstimate(price, choice, tuple(stated(config, setting, network, price, choice)))


def list_architectures(config: TransferTraining) -> dict[str, Cost]:
    """The cost of each architecture that fits the arrays of `config`, as it is without options; of
    a head too, where `target_run` is given.

    Raises:
        UserError, MismatchError: as `train`.
    """
    bare = dataclasses.replace(
        config, options={}, start="random", architecture=next(iter(ARCHITECTURES))
    )
    setting = prepare(bare)
    alike = setting.source_shape[0] == setting.target_shape[0]
    names = [name for name, known in ARCHITECTURES.items() if alike or not known.same_channels]
    names += [HEAD] if config.target_run else []
    configs = {name: dataclasses.replace(bare, architecture=name) for name in names}
    return {
        name: cost(sketch(config, setting), setting.source_shape)
        for name, config in configs.items()
    }


def feed_choice(
    config: TransferTraining, setting: Setting, device: torch.device, ranks: Ranks = ALONE
) -> FeedChoice:
    """Resident or streamed, for this training on this machine; the same for A and B, and for all
    ranks, of which the one with the least memory decides."""
    free = ranks.gathered(free_bytes(device))
    parts = [setting, *([] if setting.b is None else [setting.b])]
    return choose_feed(
        resident=sum(part.geometry.samples * part.sample_bytes for part in parts),
        streamed=sum(map(_streamed_bytes, parts)),
        device=device,
        budget=config.memory_budget,
        forced=config.feed,
        free={kind: min(each[kind] for each in free) for kind in free[0]},
    )


def _streamed_bytes(part: Setting | OnB) -> int:
    """What streaming a store takes: two windows, and the held-out samples."""
    geometry = part.geometry
    window = min(geometry.blocks_per_window * geometry.samples_per_shard, geometry.samples)
    return (2 * window + len(part.held_out.samples)) * part.sample_bytes


def stated(
    config: TransferTraining,
    setting: Setting,
    network: TransferNetwork | Head,
    price: Cost,
    choice: FeedChoice,
) -> list[str]:
    """What a user should know before the first step, a line each."""
    held_out, geometry = setting.held_out, setting.geometry
    taken = f"{config.steps} steps of {config.batch}, "
    taken += f"{config.steps * config.batch / setting.train_samples:.3g} epochs"
    if config.is_solved:
        taken = "one pass, after which the weights are solved for"
    shapes = " → ".join(
        f"{name} {level} {'×'.join(map(str, shape))}"
        for name, level, shape in (
            (config.source, setting.source_level, setting.source_shape),
            (config.target, setting.target_level, setting.target_shape),
        )
    )
    lines = [
        f"{config.architecture}: {shapes}: {price} a sample",
        f"{setting.train_samples} samples to train on, {taken}; windows of "
        f"{geometry.blocks_per_window} of {geometry.blocks} blocks",
        f"feed: {choice.reason}",
    ]
    if held_out.images:
        lines.append(
            f"held out: {held_out.images} images, {held_out.total} samples, of which "
            f"{len(held_out.samples)} are measured"
        )
    else:
        lines.append("held out: no image, so that nothing tells how well G fits others")
    if setting.b is not None:
        lines.append(setting.b.said(config.on_b.weight))
    made, wanted = transfer_of(network).made_size, setting.target_shape[1:]
    if made != wanted:
        sides = " to ".join(f"{height}×{width}" for height, width in (made, wanted))
        lines.append(f"G's maps are resized bilinearly from {sides}, the size of {config.target}'s")
    lines += [f"mismatch let through: {line}" for line in setting.mismatch]
    return lines


def sketch(config: TransferTraining, setting: Setting) -> TransferNetwork | Head:
    """The network, without memory for the weights of a G; a head holds a user's network, whose
    builder may know nothing of such devices.

    Raises:
        NetworkError: see `build`.
    """
    with nullcontext() if config.is_head else torch.device("meta"):
        return build(config, setting)
