"""What a distillation is told."""

from dataclasses import dataclass
from pathlib import Path

from atdt.errors import RunError
from atdt.training import TaskTraining


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """Who is taught, and by what.

    Attributes:
        student: a training on A's labels for the task of the predictions; its `teaching` says how
            these are learnt from. Its folder, pseudo-labels, `resume` and `overwrite` are set here.
        b: spec of the images of B that are learnt from under predictions.
        predictions: folders of predictions of these images: the first are the labels, the others
            tell by agreeing where these can be trusted.
        out: folder in which each round has a run.
        rounds: students after each other; the labels of the second are predictions of the first.
        resume: go on with what is in `out`; with more `rounds` than it has, add some.
        overwrite: replace what is in `out`.
    """

    student: TaskTraining
    b: str
    predictions: tuple[Path, ...]
    out: Path
    rounds: int = 1
    resume: bool = False
    overwrite: bool = False

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            RunError: naming the option.
        """
        if self.rounds < 1:
            raise RunError(f"--rounds {self.rounds}: must be ≥ 1")
        if not self.predictions:
            raise RunError("nothing to distil: give a folder of predictions of B")
        if self.student.pseudo_labels:
            raise RunError("a student's pseudo-labels are the predictions of --b, no others")
        if self.resume and self.overwrite:
            raise RunError("--resume and --overwrite exclude each other: go on, or start anew?")
