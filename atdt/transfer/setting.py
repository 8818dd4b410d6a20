"""What a training of G works with: arrays proved to belong together before the first step."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from atdt.domains import ViewPlan
from atdt.errors import MismatchError, UserError
from atdt.stores import FeatureReader, Store, open_store
from atdt.stores.provenance import KEY, differences
from atdt.training.load import LoadedNetwork, load_task_network
from atdt.transfer.config import TransferTraining
from atdt.transfer.held_out import HeldOut, hold_out
from atdt.transfer.losses import LOSSES, check_losses
from atdt.transfer.order import Geometry

if TYPE_CHECKING:
    from atdt.transfer.on_b import OnB

Shape = tuple[int, int, int]

WINDOW_BYTES = 2**30  # of all arrays together: what is shuffled together
MEASURED_BYTES = 2**30  # of held-out samples, which stay in memory


@dataclass(frozen=True, eq=False)
class Setting:
    """Everything that is known before the first step.

    Attributes:
        store: of domain A.
        readers: the arrays that training reads: "source", "target" and "label", as needed.
        source_level, target_level: where E1 and E2 are cut.
        source_shape: (C1, h1, w1).
        target_shape: (C2, h2, w2).
        view_size: (height, width) of the views in pixels.
        teacher: N2 on the CPU, where it is needed or given.
        mismatch: differences that were let through.
        held_out: images that are not trained on.
        geometry: of the order of samples.
        b: what is learnt from on B, see `atdt.transfer.on_b.with_b`; None: nothing.
    """

    store: Store
    readers: Mapping[str, FeatureReader]
    source_level: str
    target_level: str
    source_shape: Shape
    target_shape: Shape
    view_size: tuple[int, int]
    teacher: LoadedNetwork | None
    mismatch: tuple[str, ...]
    held_out: HeldOut
    geometry: Geometry
    b: "OnB | None" = None

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample in all arrays that training reads."""
        return sum(map(item_bytes, self.readers.values()))

    @property
    def train_samples(self) -> int:
        return int(self.held_out.kept.sum())


def prepare(config: TransferTraining) -> Setting:
    """Open what `config` names and prove that it fits together.

    Raises:
        UserError: an option, store, array or run that cannot be used, a network with skips, say.
        MismatchError: the store's E2 is not `target_run`'s, or a shape does not fit.
    """
    config.check()
    check_losses(config.weights)
    store = open_store(config.store)
    source_level = config.source_level or config.level or deepest(store, config.source)
    readers = {"source": store.features(source_level, config.source)}
    view_size = size_of_views(store)
    teacher = None
    if config.target_run is not None:
        teacher = load_task_network(config.target_run, allow_import=config.allow_import)
        teacher.network.check_can_be_cut(str(config.target_run))
    mismatch: tuple[str, ...] = ()
    target_level = config.target_level or config.level
    if config.is_head:
        target_level = target_level or teacher.network.levels[-1]
        target_shape = tuple(teacher.network.feature_shape(target_level, view_size))
    else:
        target_level = target_level or deepest(store, config.target)
        readers["target"] = store.features(target_level, config.target)
        target_shape = readers["target"].shape[1:]
        if teacher is not None:
            mismatch = compare_encoder(
                readers["target"], target_level, teacher, view_size, config.allow_mismatch
            )
    readers |= _label_reader(config, store, teacher)
    sample_bytes = sum(map(item_bytes, readers.values()))
    return Setting(
        store=store,
        readers=readers,
        source_level=source_level,
        target_level=target_level,
        source_shape=readers["source"].shape[1:],
        target_shape=target_shape,
        view_size=view_size,
        teacher=teacher,
        mismatch=mismatch,
        held_out=hold_out_of(store, config.held_out, sample_bytes),
        geometry=geometry_of(store, sample_bytes, config.batch, config.window),
    )


def deepest(store: Store, name: str) -> str:
    """The deepest level that has the array `name`: the last by name, level10 behind level9.

    Raises:
        UserError: no level has it; the message lists what there is.
    """
    levels = [level for level in store.levels() if name in store.arrays(level)]
    if not levels:
        present = sorted({array for level in store.levels() for array in store.arrays(level)})
        raise UserError(
            f"{store.path}: has no features {name!r} (it has: {', '.join(present) or 'none'}); "
            f"add them with `atdt extract` --encoder {name}=RUN"
        )
    return max(levels, key=_natural)


def same_source(store: Store, source: str, setting: Setting) -> FeatureReader:
    """E1's features in another store.

    Raises:
        UserError: it has none.
        MismatchError: its E1 is another than that of the store that G learns from.
    """
    features = store.features(setting.source_level, source)
    learnt = setting.readers["source"]
    sides = (f"{store.path} has", f"{setting.store.path} has")
    found = differences(array_key(features), array_key(learnt), sides=sides)
    if found:
        raise MismatchError(
            f"{store.path}: {features.name} is not the E1 of {setting.store.path} "
            f"({'; '.join(found)}); extract it with the run of that one, "
            f"{learnt.attrs.get('run', 'which it does not name')}"
        )
    return features


def array_key(reader: FeatureReader) -> dict[str, Any]:
    """What says which encoder an array is of."""
    return {field: reader.attrs.get(field) for field in KEY}


def network_key(network: torch.nn.Module, level: str) -> dict[str, Any]:
    """The same of a network that is cut at `level`."""
    return {
        "encoder_sha256": network.weights_digest("encoder", level),
        "level": level,
        "preprocessing": {"mean": list(network.mean), "std": list(network.std)},
    }


def store_keys(store: Store) -> dict[str, Any]:
    """What run.json says of a store that was learnt from."""
    return {
        "path": str(store.path.resolve()),
        "plan": store.plan,
        "domain": store.domain,
        "samples_sha256": store.samples.digest(),
    }


def compare_encoder(
    features: FeatureReader,
    level: str,
    loaded: LoadedNetwork,
    view_size: tuple[int, int],
    allowed: Sequence[str],
) -> tuple[str, ...]:
    """Differences between E2's features in a store and the encoder of a run, all let through.

    Args:
        level: where the features are cut.
        view_size: (height, width) of the store's views.
        allowed: "encoder", "preprocessing".

    Raises:
        MismatchError: one that is not `allowed`, or another shape.
    """
    run, path = loaded.run.path, features.path
    if level not in loaded.network.levels:
        raise MismatchError(
            f"{run}: has no {level}, at which {path} was cut;"
            f" its levels are {', '.join(loaded.network.levels)}"
        )
    shape = tuple(loaded.network.feature_shape(level, view_size))
    if shape != features.shape[1:]:
        raise MismatchError(
            f"{path}: has samples of {features.shape[1:]}, and the decoder of {run} takes {shape}"
        )
    found = differences(array_key(features), network_key(loaded.network, level))
    refused = [line for line in found if _subject(line) not in allowed]
    if refused:
        raise MismatchError(
            f"{path}: was not made by {run}: {'; '.join(refused)}; extract it again, or proceed "
            "with --allow-mismatch"
        )
    return tuple(found)


def _subject(difference: str) -> str:
    """What a line of `differences` is about: "preprocessing" of "preprocessing.mean: …"."""
    return re.split(r"[.:]", difference, maxsplit=1)[0]


def _label_reader(
    config: TransferTraining, store: Store, teacher: LoadedNetwork | None
) -> dict[str, FeatureReader]:
    """The reader of T2's labels, where a loss needs them."""
    asked = [LOSSES[name] for name in config.weights]
    if any(loss.decoder for loss in asked) and teacher is None:
        raise UserError("losses behind D2 need N2: give --target-run RUN")
    if not any(loss.label for loss in asked):
        return {}
    task = teacher.task
    if task.label is None:
        raise UserError(f"--loss task: {task.name!r} has no labels that a store could hold")
    if task.label not in store.labels():
        raise UserError(
            f"{store.path}: holds no {task.label!r} labels, which the loss of {task.name!r} needs; "
            f"add them with `atdt extract` --labels {task.label}"
        )
    return {"label": store.labels_reader(task.label)}


def size_of_views(store: Store) -> tuple[int, int]:
    """(height, width) of a store's views in pixels."""
    height, width = store.samples.size[0]
    return ViewPlan.from_dict(store.plan).out_size((int(height), int(width)))


def hold_out_of(store: Store, share: float, sample_bytes: int) -> HeldOut:
    """The held-out images of a store, of which no more are measured than memory should hold."""
    most = max(1, MEASURED_BYTES // sample_bytes)
    return hold_out(store.samples.image, share, store.samples_per_shard, most)


def geometry_of(store: Store, sample_bytes: int, batch: int, window: int | None) -> Geometry:
    """The geometry of a store's order; `window` blocks are shuffled together, as many as make
    `WINDOW_BYTES` when None."""
    window = window or max(1, WINDOW_BYTES // (store.samples_per_shard * sample_bytes))
    return Geometry(
        samples=len(store.samples),
        samples_per_shard=store.samples_per_shard,
        blocks_per_window=min(window, store.blocks),
        batch=batch,
    )


def item_bytes(reader: FeatureReader) -> int:
    """Bytes of one sample of an array."""
    return math.prod(reader.shape[1:]) * reader.dtype.itemsize


def _natural(level: str) -> list[tuple[bool, int, str]]:
    """A key that sorts level10 behind level9."""
    parts = re.split(r"(\d+)", level)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
