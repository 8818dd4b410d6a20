"""`atdt diagnose`: what two stores say of a transfer from A to B, before any label of B is seen."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, from_numpy
from torch.nn.functional import interpolate

from atdt.devices import pick_device
from atdt.diagnose.clouds import Cloud, cloud, plain_blocks
from atdt.diagnose.moments import moment_shifts, moments_csv
from atdt.diagnose.scores.runs import evidence_of, networks_of
from atdt.diagnose.scores.scored import Scored
from atdt.diagnose.scores.scoring import score
from atdt.errors import MismatchError, UserError
from atdt.evaluate.report import Paragraph, Section, Table, write_report
from atdt.evaluate.report_table import Column, Row
from atdt.files import write_atomic
from atdt.stores import FeatureReader, Store, open_store
from atdt.stores.provenance import differences
from atdt.texts import write_json
from atdt.transfer import load_transfer
from atdt.transfer.setting import array_key, deepest

LEAST_IMAGES = 5  # of each store, for means and folds to say anything


@dataclass(frozen=True)
class Diagnosis:
    """What is looked at.

    Attributes:
        a, b: stores of the two domains, with E1.
        source: name of E1's array.
        target: name of E2's array in `a`; None: no alignment is measured.
        level: where both are cut; the deepest that has `source` when None.
        transfers: runs of G, or heads, that are scored.
        target_run: run of N2, behind which Gs predict T2.
        predictions: folders that are scored beside them, of B's images in the plain view.
        rehearsal: a store of A in B's look, see `atdt rehearse`.
        cross_task: run of R, which holds predictions to B's labels of T1.
        out: folder of the page.
        seed: of the locations that are drawn.
        device: where networks compute.
    """

    a: Path
    b: Path
    source: str
    out: Path
    target: str | None = None
    level: str | None = None
    transfers: tuple[Path, ...] = ()
    target_run: Path | None = None
    predictions: tuple[Path, ...] = ()
    rehearsal: Path | None = None
    cross_task: Path | None = None
    seed: int = 0
    device: str = "auto"

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UserError: names the option.
        """
        behind_n2 = (("--rehearsal", self.rehearsal), ("--cross-task", self.cross_task))
        for option, given in (("--target-run", self.target_run), *behind_n2):
            if given and not self.is_scoring:
                raise UserError(f"{option}: is for scores; give --transfer RUN or --predictions")
        for option, given in (("--predictions", self.predictions), *behind_n2):
            if given and self.target_run is None:
                raise UserError(f"{option}: needs N2; give --target-run")

    @property
    def is_scoring(self) -> bool:
        """Whether anything is to be scored."""
        return bool(self.transfers or self.predictions)


@dataclass(frozen=True)
class Measure:
    """A number and how to read it.

    Attributes:
        key: in diagnosis.json.
        title: of it.
        value: of it.
        still: what it is where nothing is amiss.
        reading: a sentence.
    """

    key: str
    title: str
    value: float
    still: str
    reading: str


def diagnose(
    config: Diagnosis,
    say: Callable[[str], Any] = lambda line: None,
    show: Callable[[Table], Any] = lambda table: None,
) -> Path:
    """Measure the two stores' features against each other, and score Gs; no label of T2 on B is
    read.

    Args:
        say: is told how well scores predict, and how each is read.
        show: is given the scores of Gs.

    Returns:
        index.html in `config.out`, beside diagnosis.json and channels.csv.

    Raises:
        UserError: an option, a store without the array, or with too few images.
        MismatchError: the two stores' E1 is not the same, or a G or predictions are of another.
    """
    config.check()
    a, b = open_store(config.a), open_store(config.b)
    level = config.level or deepest(a, config.source)
    one, other = (store.features(level, config.source) for store in (a, b))
    _check_same(config, one, other)
    scored = _scored(config) if config.is_scoring else None
    of_a, of_b = (cloud(store, reader, config.seed) for store, reader in ((a, one), (b, other)))
    for path, found in ((config.a, of_a), (config.b, of_b)):
        if len(found.means) < LEAST_IMAGES:
            raise UserError(f"{path}: has {len(found.means)} images; {LEAST_IMAGES} are needed")
    measures = _gap(of_a, of_b)
    if config.target is not None:
        measures += _tasks(a, one, a.features(level, config.target))
    if scored is not None:
        show(scored.table())
        for line in scored.lines():
            say(line)
    content = {
        "source": config.source,
        "level": level,
        "measures": [asdict(m) for m in measures],
        "scores": None if scored is None else scored.described(),
    }
    write_json(config.out / "diagnosis.json", content)
    channels = moments_csv(of_a.moments, of_b.moments)
    write_atomic(config.out / "channels.csv", channels.encode())
    return write_report(
        config.out / "index.html",
        f"{config.a.name} and {config.b.name}: {config.source} at {level}",
        _page(config, measures, {"A": of_a, "B": of_b}, scored),
    )


def _scored(config: Diagnosis) -> Scored:
    device = pick_device(config.device)
    transfers = [load_transfer(path) for path in config.transfers]
    evidence = evidence_of(
        config.a,
        config.b,
        config.source,
        transfers,
        config.target,
        config.level,
        config.target_run,
        config.rehearsal,
        device,
        config.cross_task,
    )
    networks = networks_of(evidence, transfers, config.predictions)
    return Scored(evidence.task, evidence.space, score(evidence, networks))


def _gap(a: Cloud, b: Cloud) -> list[Measure]:
    from atdt.diagnose import measures as of

    shift, spread = (np.abs(each) for each in moment_shifts(a.moments, b.moments))
    return [
        Measure(
            "separability",
            "a linear classifier tells the domains apart",
            of.separability(a, b),
            "0.5",
            "Accuracy on single locations of images it has not seen. Near 1, E1 shows which domain "
            "an image is from everywhere, and G meets nothing on B that it was trained on.",
        ),
        Measure(
            "frechet",
            "Fréchet distance ÷ A's variance",
            of.frechet(a, b),
            "0",
            "Distance of the two clouds as Gaussians. At 1, B lies about as far from A as A's own "
            "features lie from their mean.",
        ),
        Measure(
            "mmd",
            "MMD² of image means",
            of.mmd(a, b),
            "0",
            "Whether whole images differ in what they hold on average; up to about 2 where they "
            "have nothing in common.",
        ),
        Measure(
            "mean_shift",
            "shift of channel means, in A's σ",
            float(np.nanmean(shift)),
            "0",
            "Mean over the channels, which channels.csv has one by one. Batch norm re-estimated on "
            "B can undo it.",
        ),
        Measure(
            "scale_shift",
            "|log ratio| of channel σ",
            float(np.nanmean(spread)),
            "0",
            "0.7 is a factor of two.",
        ),
        Measure(
            "norm_ratio",
            "length of features, B ÷ A",
            of.norm_ratio(a, b),
            "1",
            "Below 1, E1 finds less on B than on A.",
        ),
    ]


def _tasks(store: Store, source: FeatureReader, target: FeatureReader) -> list[Measure]:
    from atdt.diagnose.measures import Alignment

    alignment = Alignment(source.shape[1], target.shape[1])
    for x, y in plain_blocks(store, source, target):
        alignment.add(*(_locations(part, y.shape[-2:]) for part in (x, y)))
    reading = (
        "How much of E2's features a linear map could read off E1's, at best. Near 0 the tasks "
        "have little to do with each other there; try a shallower level or another T1."
    )
    return [Measure("cka", "linear CKA of E1 and E2 on A", alignment.value(), "1", reading)]


def _check_same(config: Diagnosis, one: FeatureReader, other: FeatureReader) -> None:
    found = differences(array_key(one), array_key(other))
    if found:
        raise MismatchError(
            f"{config.b}: {other.name} is not the E1 of {config.a}: {'; '.join(found)}"
        )


def _locations(features: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(n, C, h, w) -> (n·h·w, C), brought to `size` first."""
    made: Tensor = from_numpy(features).float()
    if made.shape[-2:] != size:
        made = interpolate(made, size, mode="bilinear", align_corners=False)
    return made.movedim(1, -1).flatten(0, 2).numpy()


def measures_table(measures: list[Measure]) -> Table:
    """A row for each measure."""
    return Table(
        "What the stores say",
        [Column("value", 3), Column("where nothing is amiss", 0), Column("how to read it", 0)],
        [Row(m.title, [m.value, m.still, m.reading], competes=False) for m in measures],
    )


def _page(
    config: Diagnosis,
    measures: list[Measure],
    clouds: Mapping[str, Cloud],
    scored: Scored | None,
) -> list[Section]:
    from atdt.diagnose.maps import channels_plot, maps

    intro = (
        "Measured on the stores. No label of T2 on B was read; what these numbers say of the score "
        "on B is a matter of experience, not of proof."
    )
    leading = [] if scored is None else scored.sections()
    plots = maps(clouds, config.seed), channels_plot(*(c.moments for c in clouds.values()))
    return [Paragraph(intro), *leading, measures_table(measures), *plots]
