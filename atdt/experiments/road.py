"""The verbs that walk a direction of transfer, with the settings of a preset."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from atdt.decode import DecoderAdaptation, adapt_decoder
from atdt.domains import ViewPlan
from atdt.experiments.features import edge_task, norm_discrepancy
from atdt.experiments.measuring import Measuring
from atdt.experiments.preset import Preset
from atdt.experiments.restyled import recoloured
from atdt.experiments.sides import Agreement, Direction, Outcome
from atdt.experiments.steps import Steps
from atdt.extract import Extraction, extract
from atdt.networks import NetworkSpec
from atdt.networks.spec import Option
from atdt.tasks import get_task
from atdt.training import (
    Auxiliary,
    BatchNormAdaptation,
    ConsistencyTraining,
    TaskTraining,
    adapt_batch_norm,
    train_task,
)
from atdt.transfer import Consistency, LabelsOfB, TransferTraining, train


class Road(Measuring):
    """The verbs with the settings of a preset; each call is a step that is done once.

    Args:
        direction, preset, steps, outcome, suffix: see `Measuring`.
        agreement: given to each network of T2, and to each G and head; None: to none.
    """

    def __init__(
        self,
        direction: Direction,
        preset: Preset,
        steps: Steps,
        outcome: Outcome,
        suffix: str = "",
        agreement: Agreement | None = None,
    ):
        super().__init__(direction, preset, steps, outcome, suffix)
        self.agreement = agreement

    @property
    def plan(self) -> ViewPlan:
        """The views of every store."""
        return ViewPlan(
            views=self.preset.views,
            seed=self.direction.seed,
            resize=self.preset.resize,
            crop=self.preset.crop,
            photometric=self.preset.photometric,
            flip=self.preset.flip,
            stretch=self.preset.stretch,
        )

    def variant(self, **changes: Any) -> Self:
        """The road of a preset with other values; what it makes has names that say so. The road
        itself where nothing is another, so that its trainings are shared."""
        changes = {k: v for k, v in changes.items() if v != getattr(self.preset, k)}
        said = "".join(f"-{name.replace('_', '-')}-{value}" for name, value in changes.items())
        preset = replace(self.preset, **changes)
        suffix = self.suffix + said
        return type(self)(self.direction, preset, self.steps, self.outcome, suffix, self.agreement)

    def recoloured(self, colours: str) -> Self:
        """The road from A in the colours of B's images, see `atdt.experiments.restyled`."""
        there = self.variant(colours=colours)
        there.direction = recoloured(colours, self.direction, self.steps)
        return there

    def agreeing(self, agreement: Agreement) -> Self:
        """The road on which B's labels of T1 are to be agreed with."""
        suffix = f"{self.suffix}-consistency-{agreement.weight:g}"
        return type(self)(self.direction, self.preset, self.steps, self.outcome, suffix, agreement)

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
        if (agreed := self.agreement) is not None:
            agreeing = ConsistencyTraining(agreed.run, (agreed.domain,), agreed.weight)
            config = replace(config, consistency=agreeing)
            inputs.append(agreed.run)
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
            flip=preset.flip,
            stretch=preset.stretch,
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
        title = f"extract E1 and E2 of A, {preset.views} views{'' if name == 'a' else f' ({name})'}"
        labels = () if label is None else (label,)
        encoders = ((t1.name, n1), (t2.name, n2))
        return self.store(title, domain, encoders, name, levels=levels, labels=labels)

    def store(
        self,
        title: str,
        domain: str,
        encoders: tuple[tuple[str, Path], ...],
        name: str,
        *,
        levels: tuple[str, ...] = (),
        labels: tuple[str, ...] = (),
        pseudo_labels: tuple[Path, ...] = (),
    ) -> Path:
        """A store of any domain and encoders, name → run, under the views of every store."""
        config = Extraction(
            domain=domain,
            encoders=encoders,
            out=self.direction.folder("stores") / f"{name}.zarr",
            levels=levels,
            plan=self.plan,
            labels=labels,
            pseudo_labels=pseudo_labels,
        )
        runs = [run for _, run in encoders]
        return self.steps.do(title, extract, config, *runs, *pseudo_labels, out=config.out)

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
        labels_of_b: Path | None = None,
    ) -> Path:
        """G, or the head that is its rival, with the same schedule on the same store.

        Args:
            labels_of_b: a store of B with labels of T2 that it learns from too.
        """
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
        inputs = [store, n2]
        if (agreed := self.agreement) is not None:
            agreeing = Consistency(agreed.run, agreed.store, agreed.weight)
            config = replace(config, consistency=agreeing)
            inputs += [agreed.run, agreed.store]
        if labels_of_b is not None:
            config = replace(config, labels_of_b=LabelsOfB(labels_of_b, 1.0))
            inputs.append(labels_of_b)
        what = "the head on E1" if architecture == "head" else f"G by {' + '.join(config.losses)}"
        at = f" at {level}" if level else ""
        also = "" if labels_of_b is None else ", and by labels on B"
        title = self._title(f"train {what}{at}{also}, seed {seed}")
        run = self.steps.do(title, train, config, *inputs, out=config.out)
        self.outcome.runs[name] = run
        return run

    def _title(self, title: str) -> str:
        return f"{title} ({self.suffix.removeprefix('-')})" if self.suffix else title
