"""Many Gs on one pass of the store: each batch is read once and feeds all that are in the race.

Successive halving (Jamieson and Talwalkar, AISTATS 2016): at each cut the worse half of the
configurations stops. Seeds of one configuration stay together and count by their mean, so that
nothing wins by its luck; nothing is judged by but A's held-out images.
"""

import math
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from torch import Tensor

from atdt.errors import NumericsError
from atdt.evaluate.report_table import Column, Row, Table, digits_for
from atdt.evaluate.table import terminal_text
from atdt.progress import progress
from atdt.transfer.feed import Batch
from atdt.transfer.losses import LOSSES, Teacher, with_wanted_output
from atdt.transfer.setting import Setting
from atdt.transfer.solving import ridges
from atdt.transfer.stacked import AT_MOST, learn_stacked
from atdt.transfer.trainee import Feed, Trainee
from atdt.transfer.training import batches

FEED = "of a sweep"  # what run.json says of how a G was fed
KEPT = 2  # one configuration of so many goes on at a cut
NAMED = 3  # configurations that are named at a cut, each by its first seed

Say = Callable[[str], Any]


@dataclass
class Standing:
    """Where a race stands, as it is kept on disk.

    Attributes:
        cuts: steps at which a cut was made → what each configuration then had.
        stopped: name of a trial → step at which it was cut.
        diverged: name → why.
    """

    cuts: dict[str, dict[str, float]] = field(default_factory=dict)
    stopped: dict[str, int] = field(default_factory=dict)
    diverged: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Racer:
    """A trial on its way.

    Attributes:
        name: of the trial.
        configuration: what it has in common with trials of other seeds.
        trainee: it.
        stack: what those share that take a step as one, see `atdt.transfer.stacked`; None: alone.
    """

    name: str
    configuration: str
    trainee: Trainee
    stack: Hashable | None = None


@dataclass
class Race:
    """Trials that learn from the same batches.

    Attributes:
        setting: of all.
        feed: read once for all.
        cuts: steps after which the worse half stops.
        standing: is changed as the race goes on.
        judged: the figure of a trainee, on A.
        higher_is_better: of that figure.
        workers: Gs that take a step at the same time, each in a thread.
        keep: writes `standing` down.
        say: is told of each cut, and of what diverges.
    """

    setting: Setting
    feed: Feed
    cuts: Sequence[int]
    standing: Standing
    judged: Callable[[Trainee], float]
    higher_is_better: bool
    workers: int
    keep: Callable[[], None]
    say: Say

    def run(self, racers: Sequence[Racer]) -> None:
        """Train all, stop the hopeless, finish the runs of those that are left.

        Args:
            racers: those whose runs are unfinished.
        """
        for racer in racers:
            self._finish_if_stopped(racer)  # killed between a cut and what it decided
        out = self.standing.stopped | self.standing.diverged
        active = [racer for racer in racers if racer.name not in out]
        with ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(self.workers, "racers"))
            for racer in active:
                stack.enter_context(racer.trainee)
            solved = ridges([racer.trainee for racer in active], self.feed, mapped=pool.map)
            begun = [
                pool.submit(racer.trainee.begin, self.feed, ridge)
                for racer, ridge in zip(active, solved, strict=True)
            ]
            for racer, one in zip(active, begun, strict=True):
                with self._ending_alone(racer):
                    one.result()
            active = self._learn(self._left(active), pool)
            for racer in active:
                racer.trainee.finish(feed=FEED)
        self.keep()

    def _learn(self, active: list[Racer], pool: Executor) -> list[Racer]:
        """Take all steps that are left; those that came to the end."""
        learning = [racer.trainee for racer in active if racer.trainee.config.last_step]
        step = min((trainee.done for trainee in learning), default=0)
        last = max((trainee.config.last_step for trainee in learning), default=0)
        teacher = _shared_teacher(learning)
        order = learning[0].config.order if learning else 0
        active = self._cut(active, step)  # of a sweep that was killed at one
        title, shown = f"{len(active)} Gs", tuple(active)
        with progress(title, last - step, below=lambda wide: self._live(shown, wide)) as advance:
            for batch in batches(self.feed, self.setting, order, step, last):
                ready = learning[0].learner.ready(batch)
                if teacher is not None:
                    ready = with_wanted_output(ready, teacher)
                behind = [r for r in active if r.trainee.done == step < r.trainee.config.last_step]
                taken = [
                    (racer, one)
                    for team in self._teams(behind)
                    for racer, one in zip(team, self._step(team, ready, pool), strict=True)
                ]
                for racer, one in taken:
                    with self._ending_alone(racer):
                        one.result()
                step += 1
                active = self._cut(self._left(active), step)
                advance(1, note=f"{len(active)} Gs are left")
                if not active:
                    break
        return active

    def _teams(self, racers: Sequence[Racer]) -> list[Sequence[Racer]]:
        """Those that take a step as one, side by side with the other teams."""
        teams: dict[Hashable, list[Racer]] = {}
        for racer in racers:
            key = racer.name if racer.stack is None else racer.stack
            teams.setdefault(key, []).append(racer)
        return [part for team in teams.values() for part in batched(team, AT_MOST)]

    def _step(self, team: Sequence[Racer], batch: Batch, pool: Executor) -> list[Future]:
        """A step of each, which a thread takes; of a team one thread for all."""
        trainees = [racer.trainee for racer in team]
        if len(team) == 1:
            return [pool.submit(trainees[0].step, batch, self.feed)]
        together = pool.submit(_together, trainees, batch)

        def note(trainee: Trainee, place: int) -> None:
            losses, seconds = together.result()
            trainee.took(losses[place], seconds, self.feed)

        return [pool.submit(note, trainee, place) for place, trainee in enumerate(trainees)]

    def _cut(self, active: list[Racer], step: int) -> list[Racer]:
        """Those that go on; what is decided is on disk before anybody stops by it."""
        if step not in self.cuts or str(step) in self.standing.cuts:
            return active
        for racer in active:
            racer.trainee.save()
        self._decide(active, step)
        self.keep()
        for racer in active:
            self._finish_if_stopped(racer)
        return self._left(active)

    def _decide(self, active: Sequence[Racer], step: int) -> None:
        """Note which configurations stop: the worse half."""
        groups: dict[str, list[Racer]] = {}
        for racer in active:
            if racer.trainee.config.last_step > step:
                groups.setdefault(racer.configuration, []).append(racer)
        scores = {r.name: self.judged(r.trainee) for same in groups.values() for r in same}
        means = {
            name: sum(scores[racer.name] for racer in same) / len(same)
            for name, same in groups.items()
        }
        ranked = sorted(means, key=lambda name: _rank(means[name], self.higher_is_better))
        out = set(ranked[math.ceil(len(ranked) / KEPT) :])
        self.standing.cuts[str(step)] = scores
        self.standing.stopped |= {r.name: step for r in active if r.configuration in out}
        best = ", ".join(f"{groups[one][0].name} {means[one]:.4g}" for one in ranked[:NAMED])
        self.say(
            f"after {step} steps {len(ranked) - len(out)} of {len(ranked)} configurations go on; "
            f"the best on A: {best}"
        )

    def _live(self, racers: Sequence[Racer], wide: int) -> str:
        """How all do at the moment: the best at the last cut come first."""
        scores = {k: v for cut in self.standing.cuts.values() for k, v in cut.items()}
        rows = []
        for racer in racers:
            name, out = racer.name, self.standing.stopped
            said = f"stopped after {out[name]}" if name in out else ""
            said = "diverged" if name in self.standing.diverged else said
            cells = [float(racer.trainee.done), racer.trainee.loss, scores.get(name)]
            rows.append(Row(name, cells, tag=said))

        def key(row: Row) -> tuple[bool, bool, float]:
            figure = math.nan if row.cells[2] is None else row.cells[2]
            return row.tag != "", *_rank(figure, self.higher_is_better)

        digits = digits_for((racer.trainee.loss for racer in racers), 4)
        columns = [Column("steps", 0), Column("loss", digits), Column("on A at the last cut", 3)]
        return terminal_text(Table("", columns, sorted(rows, key=key)), wide)

    def _finish_if_stopped(self, racer: Racer) -> None:
        if racer.name in self.standing.stopped:
            racer.trainee.finish(feed=FEED, stopped=self.standing.stopped[racer.name])

    def _left(self, racers: Sequence[Racer]) -> list[Racer]:
        out = self.standing.stopped | self.standing.diverged
        return [racer for racer in racers if racer.name not in out]

    @contextmanager
    def _ending_alone(self, racer: Racer) -> Iterator[None]:
        """A G whose loss is not finite leaves the race; the others go on."""
        try:
            yield
        except NumericsError as error:
            self.standing.diverged[racer.name] = str(error)
            self.say(f"{racer.name}: {error}")


def _together(trainees: Sequence[Trainee], batch: Batch) -> tuple[list[Tensor], float]:
    """The losses of a step that all take as one, and each one's share of its seconds."""
    start = time.monotonic()
    losses = learn_stacked([one.learner for one in trainees], trainees[0].done, batch)
    return losses, (time.monotonic() - start) / len(trainees)


def _rank(value: float, higher_is_better: bool) -> tuple[bool, float]:
    """Sorts the best first, what is no number last."""
    return math.isnan(value), -value if higher_is_better else value


def _shared_teacher(learning: Sequence[Trainee]) -> Teacher | None:
    """N2, where several Gs match D2(E2): it is then computed once for all."""
    matching = [
        trainee
        for trainee in learning
        if any(LOSSES[name].decoder and LOSSES[name].features for name in trainee.config.weights)
    ]
    return matching[0].learner.teacher if len(matching) > 1 else None


def cut_steps(shares: Sequence[float], steps: int) -> list[int]:
    """Shares of a training, such as 0.25, as steps within it."""
    return sorted({round(share * steps) for share in shares} - {0, steps})
