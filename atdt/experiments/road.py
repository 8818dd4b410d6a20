"""A direction of transfer, and the verbs that walk it with the settings of a preset."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from atdt.decode import Decoding, Prediction, decode, predict
from atdt.domains import ViewPlan
from atdt.evaluate import Evaluation, evaluate
from atdt.experiments.pairs import Place
from atdt.experiments.preset import Preset
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


@dataclass(frozen=True)
class Side:
    """A task, and the domains with its labels.

    Attributes:
        name: what its encoder is called in the store, such as "depth".
        task: name of the task.
        a, b: where the domains are.
    """

    name: str
    task: str
    a: Place
    b: Place

    def domain(self, letter: str, split: str) -> str:
        """The spec of the train or the test split of domain "a" or "b"."""
        return f"{getattr(self, letter).spec(split)}"

    def validation(self, *letters: str) -> tuple[str, ...]:
        """Specs of what weights are chosen on: of these domains, those that have such a split."""
        specs = (getattr(self, letter).spec("val") for letter in letters)
        return tuple(spec for spec in specs if spec is not None)


@dataclass(frozen=True)
class Direction:
    """From T1, whose labels both domains have, to T2, whose labels only A has.

    Attributes:
        source, target: T1 and T2 and where their labels are.
        data: what the domains are made of; when a step makes it anew, so is all that follows.
        root: holds runs/, stores/ and predictions/, as a checkout does.
        experiment: names the folders in these three.
        seed: of the task networks and the views.
        transfer_seeds: of G and of the head on E1; every one is trained and decoded.
        labelled: images of B's train split, all of which the oracle learns from.
    """

    source: Side
    target: Side
    data: Path
    root: Path
    experiment: str
    seed: int = 0
    transfer_seeds: tuple[int, ...] = (0,)
    labelled: int = 0

    @property
    def name(self) -> str:
        """Such as "semantic-to-depth"."""
        return f"{self.source.name}-to-{self.target.name}"

    def folder(self, kind: str, *, without_source: bool = False) -> Path:
        """Where "runs", "stores" or "predictions" go; directions share what knows nothing of T1."""
        name = self.target.name if without_source else self.name
        return self.root / kind / self.experiment / f"seed{self.seed}" / name


@dataclass
class Outcome:
    """What a direction left behind.

    Attributes:
        rows: method → for each seed of G the folder that was predicted on B's test split and
            measured; one folder where the method has no G.
        links: place in the chain of losses → measured folder.
        runs: name → run folder.
    """

    rows: dict[str, list[Path]] = field(default_factory=dict)
    links: dict[str, Path] = field(default_factory=dict)
    runs: dict[str, Path] = field(default_factory=dict)


class Road:
    """The verbs with the settings of a preset; each call is a step that is done once."""

    def __init__(self, direction: Direction, preset: Preset, steps: Steps, outcome: Outcome):
        self.direction, self.preset, self.steps, self.outcome = direction, preset, steps, outcome

    def train(
        self,
        name: str,
        title: str,
        task: str,
        train: tuple[str, ...],
        validation: tuple[str, ...],
        *,
        auxiliary: Auxiliary | None = None,
        init_from: Path | None = None,
        pseudo_labels: tuple[tuple[str, Path], ...] = (),
        without_source: bool = False,
        steps: int | None = None,
        network: NetworkSpec | None = None,
    ) -> Path:
        """A task network; all get the same steps and architecture, but for what says otherwise."""
        config = replace(
            self.training(
                name, task, train, validation, without_source=without_source, steps=steps
            ),
            network=network or self.preset.network,
            auxiliary=auxiliary,
            init_from=init_from,
            pseudo_labels=pseudo_labels,
        )
        inputs = [self.direction.data, *(folder for _, folder in pseudo_labels)]
        inputs += [init_from] if init_from else []
        run = self.steps.do(title, train_task, config, *inputs, out=config.out)
        self.outcome.runs[name] = run
        return run

    def training(
        self,
        name: str,
        task: str,
        train: tuple[str, ...],
        validation: tuple[str, ...],
        *,
        without_source: bool = False,
        steps: int | None = None,
    ) -> TaskTraining:
        """A training of a task network with the settings of the preset."""
        preset = self.preset
        steps = steps or preset.steps
        return TaskTraining(
            task=task,
            train=train,
            validation=validation,
            network=preset.network,
            out=self.direction.folder("runs", without_source=without_source) / name,
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
        )

    def adapt(self, run: Path, domain: str) -> Path:
        """The rival (iv): N2 with its batch-norm statistics re-estimated on B."""
        out = self.direction.folder("runs", without_source=True) / "n2-batch-norm"
        config = BatchNormAdaptation(run=run, domain=domain, out=out, resize=self.preset.resize)
        title = "the baseline's batch norm is re-estimated on B"
        return self.steps.do(title, adapt_batch_norm, config, run, out=out)

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
        what = "the head on E1" if architecture == "head" else f"G by {' + '.join(config.losses)}"
        at = f" at {level}" if level else ""
        run = self.steps.do(
            f"train {what}{at}, seed {seed}", train, config, store, n2, out=config.out
        )
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
        return self.measure(out, domain, name)

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
        return self.measure(self.predict_only(run, domain, name), domain, name)

    def predict_only(self, run: Path, domain: str, name: str, *, save_logits: bool = False) -> Path:
        """Predict by a task network; the predictions folder."""
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
