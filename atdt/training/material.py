"""All that a training of a task network reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atdt.domains import Domain, LabelSpace, ViewPlan, open_domain
from atdt.domains.pose import pose_for
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.training.config import TaskTraining
from atdt.training.cross_task import CrossTask, load_cross_task
from atdt.training.sources import Size, Source, one_size, open_sources, same_label_space
from atdt.training.teaching import taught_views


@dataclass(frozen=True)
class Study:
    """A task, the domains that it is learnt from, and the weight of its loss.

    Attributes:
        cross_task: what reads the task off the main one's output; None: a decoder of its own.
    """

    task: Task
    sources: tuple[Source, ...]
    weight: float = 1.0
    cross_task: CrossTask | None = None

    @property
    def space(self) -> LabelSpace:
        """The label space of its domains."""
        return self.sources[0].domain.label_space

    @property
    def domains(self) -> list[Domain]:
        """Its domains, in the order of the specs."""
        return [source.domain for source in self.sources]


@dataclass(frozen=True)
class Material:
    """All that a training reads: what its branches learn from, and what chooses the best weights.

    Attributes:
        main: the task that the run is for.
        auxiliaries: further tasks; may be empty.
        consistency: the task that the main one must agree with, or None.
        pair: two domains whose features are compared, without labels; or none.
        validation: the domains that choose; may be empty.
        plan: how views are cut from what is learnt from.
        size: (height, width) of those views.
    """

    main: Study
    auxiliaries: tuple[Study, ...]
    consistency: Study | None
    pair: tuple[Source, ...]
    validation: tuple[Source, ...]
    plan: ViewPlan
    size: Size

    @property
    def studies(self) -> list[Study]:
        """The main task, then the auxiliary ones and the one to agree with, where they are."""
        further = () if self.consistency is None else (self.consistency,)
        return [self.main, *self.auxiliaries, *further]

    def described(self) -> dict[str, list[dict[str, Any]]]:
        """What run.json says of the domains, by what they are for."""
        parts = {
            "train": self.main.sources,
            "validation": self.validation,
            "auxiliary": [source for study in self.auxiliaries for source in study.sources],
            **({"norm_discrepancy": self.pair} if self.pair else {}),
            **({"consistency": self.consistency.sources} if self.consistency else {}),
        }
        return {
            part: [source.described(self.plan.resize) for source in sources]
            for part, sources in parts.items()
        }


def open_material(config: TaskTraining) -> Material:
    """Open every domain that a training names, and prove that they fit together.

    Raises:
        UserError: naming the domain, list or option that does not.
    """
    task = get_task(config.task)
    maps = taught_views(config.teaching, task).maps if config.teaching else ()
    sources = open_sources(
        task, config.train, config.pseudo_labels, maps=maps, skip_bad=config.skip_bad
    )
    main = Study(task, sources)
    validation = open_sources(task, config.validation, skip_bad=config.skip_bad)
    _agree(task, [*main.sources, *validation])
    auxiliaries = []
    for auxiliary in config.auxiliaries:
        further = get_task(auxiliary.task)
        sources = open_sources(further, auxiliary.train, skip_bad=config.skip_bad)
        _agree(further, sources)
        auxiliaries.append(Study(further, sources, auxiliary.weight))
    pair = _pair(config, main)
    plan = ViewPlan(
        seed=config.seed,
        crop=config.crop,
        resize=config.resize,
        flip=config.flip,
        photometric=config.photometric,
        stretch=config.stretch,
    )
    consistency = _consistency(config, main)
    studies = (main, *auxiliaries, *filter(None, [consistency]))
    learnt_from = [source for study in studies for source in study.sources]
    for source in (*learnt_from, *pair):  # now, not at the first batch
        pose_for(plan, source.domain, 0)
    size = one_size([*learnt_from, *pair], plan)
    return Material(main, tuple(auxiliaries), consistency, pair, validation, plan, size)


def _pair(config: TaskTraining, main: Study) -> tuple[Source, ...]:
    """The two domains that a norm discrepancy is between; none where it is not asked for."""
    if config.norm_discrepancy is None:
        return ()
    named = config.norm_discrepancy.between
    opened = (Source(spec, open_domain(spec, skip_bad=config.skip_bad)) for spec in named)
    return tuple(opened) or main.sources


def _consistency(config: TaskTraining, main: Study) -> Study | None:
    """The task that the main one must agree with, where that is asked for."""
    if config.consistency is None:
        return None
    cross_task = load_cross_task(config.consistency.run)
    cross_task.check_reads(main.task, main.space.classes, f"--task {config.task}")
    sources = open_sources(cross_task.task, config.consistency.train, skip_bad=config.skip_bad)
    for source in sources:
        cross_task.check_labels(source.domain.label_space.classes, source.spec)
    return Study(cross_task.task, sources, config.consistency.weight, cross_task)


def _agree(task: Task, sources: Sequence[Source]) -> None:
    """Semantic ids must mean the same in all sources of a task that learns them."""
    if task.label == "semantic":
        same_label_space(sources)
