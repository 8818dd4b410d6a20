"""From a configuration and a store to the network that is trained; what run.json says of both."""

from collections.abc import Mapping
from typing import Any

from atdt.errors import NetworkError
from atdt.networks import NetworkSpec
from atdt.transfer.config import HEAD, TransferTraining
from atdt.transfer.head import DEFAULT_BODY, Head, build_head
from atdt.transfer.network import Standard, TransferNetwork, build_transfer
from atdt.transfer.ridge import linear_part
from atdt.transfer.setting import Setting, array_key, network_key, store_keys

FEATURES_MODE, HEAD_MODE = "features", "head"


def build(config: TransferTraining, setting: Setting) -> TransferNetwork | Head:
    """G with the store's statistics inside it, or a head; on the CPU.

    Raises:
        NetworkError: an unknown architecture or option, or one that cannot start as it is told to.
    """
    source = Standard.of(setting.readers["source"].statistics)
    if not config.is_head:
        network = build_transfer(
            config.architecture,
            config.options,
            setting.source_shape,
            setting.target_shape,
            source,
            Standard.of(setting.readers["target"].statistics),
            seed=config.seed,
        )
        if config.start == "ridge" and linear_part(network.body) is None:
            raise NetworkError(
                f"--start ridge: {config.architecture!r} has no linear part; `linear`, `residual` "
                "and `ridge` have"
            )
        return network
    if config.start == "ridge":
        raise NetworkError("--start ridge: a head learns the task, there is no E2 to regress on")
    info = setting.teacher.run.info
    return build_head(
        config.options,
        NetworkSpec.from_dict(info["network"]),
        info["out_channels"],
        setting.target_level,
        setting.source_shape,
        setting.target_shape,
        source,
        seed=config.seed,
        allow_import=config.allow_import,
    )


def transfer_of(network: TransferNetwork | Head) -> TransferNetwork:
    """The part between E1's features and what a decoder takes: all of a G."""
    return network.transfer if isinstance(network, Head) else network


def network_keys(config: TransferTraining, network: TransferNetwork | Head) -> dict[str, Any]:
    """What run.json says of the network, so that `load_transfer` can build it again."""
    transfer = transfer_of(network)
    options = transfer.body.options | {"standardise": transfer.source_mean is not None}
    if config.is_head:
        options = {"body": config.options.get("body", DEFAULT_BODY)} | options
    return {
        "mode": HEAD_MODE if config.is_head else FEATURES_MODE,
        "architecture": HEAD if config.is_head else config.architecture,
        "options": options,
        "in_channels": transfer.source[0],
        "out_channels": transfer.target[0],
    }


def input_keys(config: TransferTraining, setting: Setting) -> dict[str, Any]:
    """What run.json says of the features that G was trained on: what it may be used with."""
    source, store = setting.readers["source"], setting.store
    keys: dict[str, Any] = {
        "level": setting.target_level,
        "source": {
            "array": config.source,
            "task": source.attrs.get("task"),
            "level": setting.source_level,
            "shape": list(setting.source_shape),
            "run": source.attrs.get("run"),
            "key": array_key(source),
        },
        "target": {
            "array": config.target,
            "task": _target_task(setting),
            "level": setting.target_level,
            "shape": list(setting.target_shape),
            "run": _target_run(config, setting),
            "key": _target_key(setting),
        },
        "store": store_keys(store),
        "arrays": [reader.name for reader in setting.readers.values()],
        "mismatch": list(setting.mismatch),
    }
    if config.is_head:
        info = setting.teacher.run.info
        kept = ("network", "out_channels", "label_space", "training_focal")
        keys["head"] = {key: info.get(key) for key in kept}
    if setting.b is not None:
        keys["b"] = setting.b.described(config.held_out)
        if "focal_ratio" in setting.teacher.task.ways and config.labels_of_b is not None:
            keys["training_focal"] = _focal_of_both(setting)
    return keys


def focal_of(info: Mapping[str, Any], learnt: Mapping[str, Any]) -> float | None:
    """Focal length, in pixels, that depth behind a G holds under.

    Args:
        info: run.json of the G or head, which says it where depth was learnt on B too.
        learnt: of N2, or what a head keeps of it.
    """
    key = "training_focal"
    return info[key] if key in info else learnt.get(key)


def _focal_of_both(setting: Setting) -> float | None:
    """Of A's camera and B's, whose depth G learns from as much; None where one is not known."""
    focals = setting.teacher.run.info.get("training_focal"), setting.b.lesson.focal
    return None if None in focals else sum(focals) / len(focals)


def _target_task(setting: Setting) -> str | None:
    if setting.teacher is not None:
        return setting.teacher.task.name
    return setting.readers["target"].attrs.get("task")


def _target_run(config: TransferTraining, setting: Setting) -> str | None:
    if config.target_run is not None:
        return str(config.target_run.resolve())
    return setting.readers["target"].attrs.get("run")


def _target_key(setting: Setting) -> dict[str, Any]:
    """Of the features that G learnt to make; of N2 itself for a head, which made none."""
    if "target" in setting.readers:
        return array_key(setting.readers["target"])
    return network_key(setting.teacher.network, setting.target_level)
