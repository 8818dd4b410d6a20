"""The verbs that walk a direction of transfer, with the settings of a preset."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from atdt.decode import (
    DecoderAdaptation,
    Decoding,
    Prediction,
    adapt_decoder,
    decode,
    predict,
)
from atdt.domains import ViewPlan
from atdt.evaluate import Evaluation, evaluate
from atdt.experiments.features import edge_task, norm_discrepancy
from atdt.experiments.preset import Preset
from atdt.experiments.sides import Direction, Outcome, Side
from atdt.experiments.steps import Steps
from atdt.extract import Extraction, extract
from atdt.networks import NetworkSpec
from atdt.networks.spec import Option
from atdt.tasks import get_task
from atdt.training import (
    Auxiliary,
    BatchNormAdaptation,
    TaskTraining,
    adapt_batch_norm,
    train_task,
)
from atdt.transfer import TransferTraining, train


class Road:
    """The verbs with the settings of a preset; each call is a step that is done once.

    Args:
        suffix: behind the names of all that it makes, see `variant`.
    """

    def __init__(
        self,
        direction: Direction,
        preset: Preset,
        steps: Steps,
        outcome: Outcome,
        suffix: str = "",
    ):
        self.direction, self.preset, self.steps, self.outcome = direction, preset, steps, outcome
        self.suffix = suffix

    def variant(self, **changes: Any) -> Self:
        """The road of a preset with other values; what it makes has names that say so. The road
        itself where nothing is another, so that its trainings are shared."""
        changes = {k: v for k, v in changes.items() if v != getattr(self.preset, k)}
        said = "".join(f"-{name.replace('_', '-')}-{value}" for name, value in changes.items())
        preset = replace(self.preset, **changes)
        return type(self)(self.direction, preset, self.steps, self.outcome, self.suffix + said)

    def train(
        self,
        name: str,
        title: str,
        task: str,
        train: tuple[str, ...],
        validation: tuple[str, ...],
        *,
        auxiliary: tuple[Auxiliary, ...] = (),
        init_from: Path | None = None,
        pseudo_labels: tuple[tuple[str, Path], ...] = (),
        without_source: bool = False,
        steps: int | None = None,
        network: NetworkSpec | None = None,
        images: str = "ab",
        edges_from: Path | None = None,
        keep_edges: bool = False,
    ) -> Path:
        """A task network; all get the same steps and architecture, but for what says otherwise.

        Args:
            images: letters of the domains whose images, without labels, it may learn from.
            edges_from: run whose edge decoder it takes, where the preset has edges.
            keep_edges: keep its own, for others to take.
        """
        config = self.training(
            name,
            task,
            train,
            validation,
            auxiliary=auxiliary,
            without_source=without_source,
            steps=steps,
            images=images,
            edges_from=edges_from,
        )
        config = replace(
            config,
            network=network or config.network,
            keep_auxiliary=keep_edges and self.preset.edges != "none",
            init_from=init_from,
            pseudo_labels=pseudo_labels,
        )
        inputs = [self.direction.data, *(folder for _, folder in pseudo_labels)]
        inputs += [init_from] if init_from else []
        inputs += [each.decoder for each in config.auxiliaries if each.decoder]
        run = self.steps.do(self._title(title), train_task, config, *inputs, out=config.out)
        self.outcome.runs[config.out.name] = run
        return run

    def training(
        self,
        name: str,
        task: str,
        train: tuple[str, ...],
        validation: tuple[str, ...],
        *,
        auxiliary: tuple[Auxiliary, ...] = (),
        without_source: bool = False,
        steps: int | None = None,
        images: str = "ab",
        edges_from: Path | None = None,
    ) -> TaskTraining:
        """A training of a task network with the settings of the preset, see `train`."""
        preset, target = self.preset, self.direction.target
        steps = steps or preset.steps
        auxiliary += edge_task(preset, target, task, images, edges_from)
        return TaskTraining(
            task=task,
            train=train,
            validation=validation,
            network=preset.network,
            out=self.direction.folder("runs", without_source=without_source) / (name + self.suffix),
            steps=steps,
            batch=preset.batch,
            learning_rate=preset.learning_rate,
            crop=preset.crop,
            resize=preset.resize,
            photometric=preset.photometric,
            seed=self.direction.seed,
            precision=preset.precision,
            validate_every=max(1, steps // 5),
            checkpoint_every=max(1, steps // 5),
            # One as itself: so it was before there could be several, and keys tell them apart.
            auxiliary=auxiliary if len(auxiliary) > 1 else next(iter(auxiliary), None),
            norm_discrepancy=norm_discrepancy(preset, target, images),
        )

    def adapt(self, run: Path, domain: str) -> Path:
        """A task network with its batch-norm statistics re-estimated on B; of N2 the rival (iv)."""
        out = run.parent / f"{run.name}-batch-norm"
        config = BatchNormAdaptation(run=run, domain=domain, out=out, resize=self.preset.resize)
        title = f"batch norm of {run.name} is re-estimated on B"
        return self.steps.do(title, adapt_batch_norm, config, run, out=out)

    def adapt_decoder(
        self, n2: Path, transfer: Path, n1: Path, domain: str, allow_mismatch: tuple[str, ...] = ()
    ) -> Path:
        """N2 with the batch-norm statistics of D2 re-estimated on B, behind G and E1."""
        out = transfer.parent / f"{n2.name}-behind-{transfer.name}-of-{n1.name}"
        config = DecoderAdaptation(
            run=n2,
            transfer=transfer,
            encoder=n1,
            domain=domain,
            out=out,
            resize=self.preset.resize,
            allow_mismatch=allow_mismatch,
        )
        title = f"batch norm of D2 is re-estimated on B, behind {transfer.name} and {n1.name}"
        return self.steps.do(title, adapt_decoder, config, n2, transfer, n1, out=out)

    def extract(
        self,
        domain: str,
        n1: Path,
        n2: Path,
        *,
        name: str = "a",
        levels: tuple[str, ...] = (),
    ) -> Path:
        """A store of A: both encoders, several views, T2's labels."""
        preset, t1, t2 = self.preset, self.direction.source, self.direction.target
        name += self.suffix
        label = get_task(t2.task).label
        config = Extraction(
            domain=domain,
            encoders=((t1.name, n1), (t2.name, n2)),
            out=self.direction.folder("stores") / f"{name}.zarr",
            levels=levels,
            plan=ViewPlan(
                views=preset.views,
                seed=self.direction.seed,
                resize=preset.resize,
                crop=preset.crop,
                photometric=preset.photometric,
            ),
            labels=() if label is None else (label,),
        )
        title = f"extract E1 and E2 of A, {preset.views} views{'' if name == 'a' else f' ({name})'}"
        return self.steps.do(title, extract, config, n1, n2, out=config.out)

    def transfer(
        self,
        store: Path,
        n2: Path,
        seed: int,
        architecture: str,
        name: str,
        losses: tuple[tuple[str, float], ...],
        level: str | None = None,
        options: dict[str, Option] | None = None,
    ) -> Path:
        """G, or the head that is its rival, with the same schedule on the same store."""
        preset = self.preset
        name += self.suffix
        config = TransferTraining(
            store=store,
            source=self.direction.source.name,
            target=self.direction.target.name,
            out=self.direction.folder("runs") / name,
            level=level,
            architecture=architecture,
            options={"width": preset.width} if options is None else options,
            losses=dict(losses),
            target_run=n2,
            steps=preset.transfer_steps,
            batch=preset.transfer_batch,
            learning_rate=preset.transfer_learning_rate,
            precision=preset.precision,
            seed=seed,
        )
        if not config.is_solved:
            alone = set(config.weights) == {"task"}  # labels have no mixtures
            mixup = 0.0 if alone else preset.mixup
            config = replace(config, feature_noise=preset.feature_noise, mixup=mixup)
        what = "the head on E1" if architecture == "head" else f"G by {' + '.join(config.losses)}"
        at = f" at {level}" if level else ""
        title = self._title(f"train {what}{at}, seed {seed}")
        run = self.steps.do(title, train, config, store, n2, out=config.out)
        self.outcome.runs[name] = run
        return run

    def decode(
        self,
        transfer: Path,
        n1: Path,
        n2: Path | None,
        letter: str,
        name: str,
        allow_mismatch: tuple[str, ...] = (),
    ) -> Path:
        """Predict T2 through G on a test split, and measure it."""
        domain = self.direction.target.domain(letter, "test")
        out = self.decode_only(transfer, n1, n2, domain, name, allow_mismatch=allow_mismatch)
        return self.measure(out, domain, name + self.suffix)

    def decode_only(
        self,
        transfer: Path,
        n1: Path,
        n2: Path | None,
        domain: str,
        name: str,
        *,
        save_logits: bool = False,
        allow_mismatch: tuple[str, ...] = (),
    ) -> Path:
        """Predict T2 through G; the predictions folder."""
        name += self.suffix
        config = Decoding(
            transfer=transfer,
            encoder=n1,
            decoder=n2,
            domain=domain,
            out=self.predictions(transfer, name),
            resize=self.preset.resize,
            precision=self.preset.precision,
            save_logits=save_logits,
            allow_mismatch=allow_mismatch,
        )
        inputs = [transfer, n1] if n2 is None else [transfer, n1, n2]
        return self.steps.do(f"decode {name}", decode, config, *inputs, out=config.out)

    def predict(self, run: Path, side: Side, letter: str, name: str) -> Path:
        """Predict by a task network on a test split, and measure it."""
        domain = side.domain(letter, "test")
        predictions = self.predict_only(run, domain, name)
        return self.measure(predictions, domain, name + self.suffix)

    def predict_only(self, run: Path, domain: str, name: str, *, save_logits: bool = False) -> Path:
        """Predict by a task network; the predictions folder."""
        name += self.suffix
        out = self.predictions(run, name)
        config = Prediction(
            run=run,
            domain=domain,
            out=out,
            resize=self.preset.resize,
            precision=self.preset.precision,
            save_logits=save_logits,
        )
        return self.steps.do(f"predict {name}", predict, config, run, out=out)

    def _title(self, title: str) -> str:
        return f"{title} ({self.suffix.removeprefix('-')})" if self.suffix else title

    def measure(self, predictions: Path, domain: str, name: str) -> Path:
        """Measure predictions; their folder."""
        config = Evaluation(predictions=predictions, domain=domain, block=self.preset.block)
        out = predictions / "metrics.json"
        self.steps.do(f"measure {name}", evaluate, config, predictions, out=out)
        return predictions

    def predictions(self, run: Path, name: str) -> Path:
        """Where predictions go: they lie as the runs do that made them."""
        runs, predictions = self.direction.root / "runs", self.direction.root / "predictions"
        return predictions / run.parent.relative_to(runs) / name
