"""What a table says in sentences: who is ahead of whom, and how certain that is."""

from atdt.evaluate.bootstrap import LEVEL, interval
from atdt.evaluate.gap import Gap
from atdt.evaluate.report_table import metric_title, number_text
from atdt.experiments.direction import (
    ADAPTED,
    ATDT,
    BASELINE,
    FOUNDATION,
    HEAD,
    PLAIN,
    SELF,
    SHARED,
    WARM,
)
from atdt.experiments.figures import BY_LABELS, CHOICES, ORACLES, STUDENTS, Figures
from atdt.experiments.label_students import TAUGHT, TAUGHT_G, UNTAUGHT
from atdt.experiments.students import MERGED, STUDENT, STUDENT_BASELINE

# Rows, in a sentence.
SHORT = {
    BASELINE: "the baseline",
    ADAPTED: "the baseline with batch norm re-estimated on B",
    WARM: "N2 started from E1",
    SELF: "self-training",
    FOUNDATION: "a decoder on a frozen foundation encoder",
    SHARED: "one encoder with two decoders",
    HEAD: "a head on frozen E1",
    PLAIN: "AT/DT with the paper's loss alone",
    ATDT: "AT/DT itself",
    MERGED: "merged predictions",
    STUDENT_BASELINE: "the student of the baseline",
    UNTAUGHT: "two decoders started from E1",
}
RIVALS = (SHARED, HEAD, WARM, ADAPTED, SELF, FOUNDATION)
FEW_SEEDS = 5  # below it a bootstrap over seeds says too little of their spread


def verdict(measured: Figures) -> str:
    """What the table says of AT/DT, rival by rival, and how certain it is."""
    metric = measured.metrics[measured.gap_on]
    name = metric_title(metric, unit=False)
    gap = measured.gaps[ATDT]
    closed = (
        "the gap that it closes is undefined, since the oracle is no better than the baseline"
        if gap.value is None
        else f"AT/DT closes {_percent(gap)} of the gap between baseline and oracle"
    )
    one_loss = "" if PLAIN in measured.rows else " (its losses are the paper's here)"
    others = (ATDT, *BY_LABELS, *ORACLES, *STUDENTS, *CHOICES)
    rivals = [name for name in measured.rows if name not in others]
    ahead = [_against(measured, ATDT, rival) for rival in rivals]
    of_others = f"{_of_students(measured)}{_of_labels(measured)}{_of_sweep(measured)}"
    return (
        f"By {name} on B, {closed}. AT/DT{one_loss} is "
        f"{'; '.join(ahead)}.{of_others} A difference is certain "
        f"where its paired {100 * LEVEL:.0f} % interval over seeds and images excludes zero."
        f"{_few_seeds(measured)}{_scalar_warning(measured)}"
    )


def _percent(gap: Gap) -> str:
    value, *ends = (number_text(100 * x, 0) for x in (gap.value, *(gap.interval or ())))
    return f"{value} [{', '.join(ends)}] %" if ends else f"{value} %"


def _of_students(measured: Figures) -> str:
    """A sentence on AT/DT's student: against its teacher, and against what people do without."""
    if STUDENT not in measured.rows:
        return ""
    others = (ATDT, STUDENT_BASELINE if STUDENT_BASELINE in measured.rows else SELF)
    said = "; ".join(_against(measured, STUDENT, other) for other in others)
    return f" The student of AT/DT is {said}."


def _of_labels(measured: Figures) -> str:
    """A sentence on each of AT/DT and the student that transferred labels taught: against AT/DT
    without them and every rival."""
    said = ""
    for row, whose in (
        (TAUGHT_G, "AT/DT with transferred labels"),
        (TAUGHT, "The student of transferred labels"),
    ):
        if row in measured.rows:
            said += f" {whose} {_against_all(measured, row)}"
    return said


def _against_all(measured: Figures, row: str) -> str:
    """How much of the gap a row closes, and how it stands against those without its labels."""
    others = [other for other in (BASELINE, ATDT, UNTAUGHT, *RIVALS) if other in measured.rows]
    said = "; ".join(_against(measured, row, other) for other in others)
    gap = measured.gaps[row]
    closed = "" if gap.value is None else f"closes {_percent(gap)} of the gap and "
    also = measured.gaps_also.get(row)
    title = "" if also is None else metric_title(measured.metrics[measured.gap_also], unit=False)
    besides = f" By {title} it closes {_percent(also)}." if also and also.value is not None else ""
    return f"{closed}is {said}.{besides}"


def _of_sweep(measured: Figures) -> str:
    """A sentence on each G that a sweep chose: against the baseline and the row AT/DT."""
    said = ""
    for row, how in CHOICES.items():
        if row in measured.rows:
            against = "; ".join(_against(measured, row, other) for other in (BASELINE, ATDT))
            said += f" What the sweep chooses {how} is {against}."
    return said


def _few_seeds(measured: Figures) -> str:
    """A sentence where so few trainings were drawn from that the interval is too narrow."""
    seeds = len(measured.by_seed[ATDT])
    if seeds >= FEW_SEEDS:
        return ""
    drawn = f"{seeds} seeds of the encoders" if seeds > 1 else "one training"
    return f" Drawn from {drawn}, that interval is narrower than what another training would move."


def _scalar_warning(measured: Figures) -> str:
    """A sentence where the baseline × one scalar fitted on B is as good as AT/DT: no claim then."""
    scaled = f"scalar/{measured.gap_on.rpartition('/')[2]}"
    if scaled not in measured.metrics:
        return ""
    baseline, own = measured.rows[BASELINE].scores[scaled], measured.rows[ATDT].scores
    lower = measured.metrics[scaled]["better"] == "lower"
    if not (baseline <= own[measured.gap_on] if lower else baseline >= own[measured.gap_on]):
        return ""
    return (
        f" But the baseline × one scalar fitted on B's labels has {baseline:.3f}, against AT/DT's "
        f"{own[measured.gap_on]:.3f}: by this figure no transfer is claimed, only by those that "
        "no scalar changes."
    )


def _against(measured: Figures, method: str, rival: str) -> str:
    sign = 1 if measured.metrics[measured.gap_on]["better"] == "higher" else -1
    pairs = zip(measured.by_seed[method], measured.by_seed[rival], strict=True)
    wins = sum(sign * (own - other) > 0 for own, other in pairs)
    difference = sign * (
        measured.rows[method].replicates[measured.gap_on]
        - measured.rows[rival].replicates[measured.gap_on]
    )
    ends = interval(difference)
    certain = ends is not None and (ends[0] > 0 or ends[1] < 0)
    verb = "ahead of" if measured.better(method, rival) else "behind"
    label = SHORT[rival]
    seeds = len(measured.by_seed[method])
    return f"{verb} {label} ({'certain' if certain else 'uncertain'}; ahead on {wins} of {seeds})"
