"""Networks with their scores: for a page, for the terminal, for a file."""

from dataclasses import dataclass
from typing import Any

from atdt.diagnose.scores.registry import SCORES, Score
from atdt.diagnose.scores.scoring import Values
from atdt.diagnose.scores.table import Network, columns_of, note_on_order, scores_table
from atdt.domains.labels import LabelSpace
from atdt.evaluate.report import Heading, Paragraph, Section
from atdt.evaluate.report_table import Column, Row, Table
from atdt.tasks.base import Task


@dataclass(frozen=True)
class Scored:
    """What `score` gave, and of which T2.

    Attributes:
        task, space: T2; None: nothing decodes.
        values: by network, by score.
    """

    task: Task | None
    space: LabelSpace | None
    values: Values

    @property
    def networks(self) -> list[Network]:
        return [Network(name, scores) for name, scores in self.values.items()]

    def table(self) -> Table:
        """A row a network, what predicts best first."""
        caption = "Will it hold on B? Said by no label of T2 there"
        return scores_table(caption, self.networks, self.task, self.space)

    def readings(self) -> list[tuple[str, str]]:
        """For each score of the table its title and how it is read; then what does not apply."""
        shown = columns_of(self.networks, self.task, self.space)
        read = [
            (known.column(self.task, self.space).name, f"{known.reading} {self._good(known)}")
            for known in shown
        ]
        if self.task is None:
            return read
        useless = [known for known in SCORES if not known.applies(self.task, self.space)]
        return read + [
            (known.title, f"Does not apply to {self.task.name}.")
            for known in useless
            if not known.detail
        ]

    def lines(self) -> list[str]:
        """The same for the terminal, and what is known of how well they predict."""
        return [
            note_on_order(self.task, self.networks),
            *(f"{name}: {text}" for name, text in self.readings()),
        ]

    def sections(self) -> list[Section]:
        """The same for a page, above what is said of the domains."""
        rows = [Row(name, [text]) for name, text in self.readings()]
        return [
            Heading("Will it hold on B?"),
            Paragraph(note_on_order(self.task, self.networks), "note"),
            self.table(),
            Table("How to read them", [Column("")], rows),
            Heading("How far are the domains apart?"),
        ]

    def _good(self, known: Score) -> str:
        better = known.column(self.task, self.space).better
        return f"The {better}, the better."

    def described(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "task": None if self.task is None else self.task.name,
            "order": note_on_order(self.task, self.networks),
            "networks": self.values,
            "better": {
                known.key: known.column(self.task, self.space).better
                for known in SCORES
                if known.applies(self.task, self.space)
            },
        }
