"""All that a training of a task network reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atdt.domains import Domain, LabelSpace, ViewPlan
from atdt.tasks import get_task
from atdt.tasks.base import Task
from atdt.training.config import TaskTraining
from atdt.training.sources import Size, Source, one_size, open_sources, same_label_space
from atdt.training.teaching import taught_views


@dataclass(frozen=True)
class Study:
    """A task, the domains that it is learnt from, and the weight of its loss."""

    task: Task
    sources: tuple[Source, ...]
    weight: float = 1.0

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
        auxiliary: the second task, or None.
        validation: the domains that choose; may be empty.
        plan: how views are cut from what is learnt from.
        size: (height, width) of those views.
    """

    main: Study
    auxiliary: Study | None
    validation: tuple[Source, ...]
    plan: ViewPlan
    size: Size

    @property
    def studies(self) -> list[Study]:
        """The main task, then the auxiliary one where there is one."""
        return [self.main] if self.auxiliary is None else [self.main, self.auxiliary]

    def described(self) -> dict[str, list[dict[str, Any]]]:
        """What run.json says of the domains, by what they are for."""
        parts = {
            "train": self.main.sources,
            "validation": self.validation,
            "auxiliary": self.auxiliary.sources if self.auxiliary else (),
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
    auxiliary = None
    if config.auxiliary:
        second = get_task(config.auxiliary.task)
        sources = open_sources(second, config.auxiliary.train, skip_bad=config.skip_bad)
        _agree(second, sources)
        auxiliary = Study(second, sources, config.auxiliary.weight)
    plan = ViewPlan(
        seed=config.seed,
        crop=config.crop,
        resize=config.resize,
        flip=config.flip,
        photometric=config.photometric,
    )
    learnt_from = [*main.sources, *(auxiliary.sources if auxiliary else ())]
    return Material(main, auxiliary, validation, plan, one_size(learnt_from, plan))


def _agree(task: Task, sources: Sequence[Source]) -> None:
    """Semantic ids must mean the same in all sources of a task that learns them."""
    if task.label == "semantic":
        same_label_space(sources)
