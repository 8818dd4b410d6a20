"""What a distillation is told."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from atdt.checks import check_goes_on_or_anew, check_out_apart
from atdt.errors import RunError
from atdt.later import LATER
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
        beside: the baseline's predictions of these images, which teach a second student; None: no
            such student.
    """

    student: TaskTraining
    b: str
    predictions: tuple[Path, ...]
    out: Path
    rounds: int = 1
    resume: bool = False
    overwrite: bool = False
    beside: Path | None = field(default=None, metadata=LATER)

    @property
    def second(self) -> "Distillation | None":
        """The student beside this one, told the same, in OUT-beside.

        Where others tell what to trust, the first folder is one of them here: each of the two
        teachers is trusted as far as the other agrees.
        """
        if self.beside is None:
            return None
        first, *others = self.predictions
        if others:
            others = [first, *(other for other in others if other != self.beside)]
        return replace(
            self,
            predictions=(self.beside, *others),
            out=self.out.with_name(f"{self.out.name}-beside"),
            beside=None,
        )

    @property
    def both(self) -> tuple["Distillation", ...]:
        """This one, and the second where there is one."""
        return (self,) if self.second is None else (self, self.second)

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
        if self.beside == self.predictions[0]:
            raise RunError(
                f"--beside {self.beside}: is what the student learns from; name the predictions of "
                "the baseline"
            )
        check_goes_on_or_anew(resume=self.resume, overwrite=self.overwrite, wrong=RunError)
        for each in self.both:
            check_out_apart(
                each.out, (*self.predictions, self.beside, *self.student.read), RunError
            )
