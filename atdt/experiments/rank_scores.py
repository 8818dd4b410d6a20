"""`atdt rank-scores`: how well each score predicts which G is right on B, over many Gs.

    OUT/ranking.md, ranking.json       the tables, and all numbers
    OUT/order.toml                     what `diagnose` leads with: the scores that, on the sweeps
                                       that choose, certainly predict the first truth; best first

Read from leaderboards of sweeps whose store of B has labels of T2. They judge the scores here;
nothing that is trained or chosen by a score sees them. The best score is chosen on some sweeps and
reported on others, whose encoders are of other seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from atdt.errors import MismatchError, UserError
from atdt.evaluate.bootstrap import interval, seed_counts
from atdt.evaluate.rank import kendall, spearman
from atdt.evaluate.report_table import Column, Row, Table, Value
from atdt.evaluate.table import markdown
from atdt.files import write_atomic
from atdt.provenance import provenance
from atdt.texts import read_json, write_json

LEADERBOARD = "leaderboard.json"
LEAST = 4  # Gs of a sweep that a correlation is taken over
JUDGED = "B's labels of T2 judge the scores here, and nothing else"


@dataclass(frozen=True)
class RankScores:
    """What is ranked.

    Attributes:
        sweeps: folders, on which the best score is chosen.
        out: folder of the tables.
        report: folders of other sweeps, of other encoders, on which it is reported.
        bootstrap: resamples; 0 for no intervals.
        seed: of them.
    """

    sweeps: tuple[Path, ...]
    out: Path
    report: tuple[Path, ...] = ()
    bootstrap: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Group:
    """Gs among which one would choose: of one E1 and E2, at whatever levels.

    Attributes:
        name: of the sweep and what it maps.
        task: T2.
        encoders: digests of E1 and E2.
        scores, truths: by key, title, better and digits.
        lines: of the leaderboard, those that did not diverge.
    """

    name: str
    task: str
    encoders: frozenset[str]
    scores: Mapping[str, Mapping[str, Any]]
    truths: Mapping[str, Mapping[str, Any]]
    lines: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Ranked:
    """How a score predicts a truth.

    Attributes:
        spearman, kendall: means over the groups, above 0 where what the score calls good is good;
            with their intervals over Gs.
        regret: of the G that the score picks, above the best one; mean over the groups, in units
            of the truth.
        gs: that it was measured on.
    """

    spearman: Value
    kendall: Value
    regret: float
    gs: int


Ranking = dict[str, Ranked]  # by key of a score


def rank_scores(config: RankScores, show: Callable[[Table], Any] = lambda table: None) -> Path:
    """Rank the scores by how well they predict the true figures on B.

    Args:
        show: is given each table.

    Returns:
        ranking.md in `out`.

    Raises:
        UserError: a folder without a leaderboard, or one that B's labels did not judge.
        MismatchError: sweeps of other tasks, or of the same encoders to choose and to report.
    """
    chosen_on = [group for path in config.sweeps for group in read_groups(path)]
    reported = [group for path in config.report for group in read_groups(path)]
    _check_apart(chosen_on, reported)
    tables, content, orders = [], {}, {}
    for truth in _common_truths([*chosen_on, *reported]):
        first = ranking(chosen_on, truth, config)
        order = sorted(first, key=lambda key: -first[key].spearman.value)
        other = ranking(reported, truth, config) if reported else {}
        tables.append(_table("chosen on", chosen_on, truth, first, order))
        if other:
            rest = [key for key in other if key not in order]  # the sweeps that choose lack them
            title = "reported on others:"
            tables.append(_table(title, reported, truth, other, [*order, *rest]))
        content[truth] = {
            "order": order,
            "chosen_on": {key: asdict(value) for key, value in first.items()},
            "reported_on": {key: asdict(value) for key, value in other.items()},
        }
        certain = [key for key in order if (first[key].spearman.low or 0) > 0]
        if certain and certain[0] in other:
            best = chosen_on[0].scores[certain[0]]["title"]
            orders[truth] = certain, f"{best}: {_sentence(other[certain[0]], reported, truth)}"
    for table in tables:
        show(table)
    made = provenance()
    write_json(
        config.out / "ranking.json",
        {
            "task": chosen_on[0].task,
            "groups": {
                "chosen_on": [group.name for group in chosen_on],
                "reported_on": [group.name for group in reported],
            },
            "truths": content,
            "provenance": made,
        },
    )
    if orders:
        order, result = next(iter(orders.values()))
        found = {"order": order, "source": made["command"], "result": result}
        text = tomli_w.dumps({chosen_on[0].task: found})
        write_atomic(config.out / "order.toml", text.encode())
    return write_atomic(config.out / "ranking.md", "\n\n".join(map(markdown, tables)).encode())


def read_groups(folder: Path) -> list[Group]:
    """The Gs of a sweep, by what they map.

    Raises:
        UserError: there is no leaderboard, or none with scores of B and figures by its labels.
    """
    path = folder / LEADERBOARD
    boards = read_json(path)
    try:
        return _groups(folder, boards)
    except (LookupError, TypeError, AttributeError):
        raise UserError(f"{path}: is no leaderboard of `atdt sweep`") from None


def _groups(folder: Path, boards: Sequence[Mapping[str, Any]]) -> list[Group]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for board in boards:
        if not board.get("truths"):
            raise UserError(
                f"{folder / LEADERBOARD}: {board['title']}: no figures by B's labels and scores of "
                "B; repeat its sweep with --resume and --b STORE, a store of B with labels of T2"
            )
        found.setdefault(board["title"].partition(" at ")[0], []).append(board)
    if not any(board["lines"] for of in found.values() for board in of):
        raise LookupError("no G")
    return [
        Group(
            name=f"{folder.name}: {pair}",
            task=of[0]["task"],
            encoders=frozenset(
                board["encoders"][side]
                for board in of
                for side in ("source", "target")
                if board["encoders"][side]
            ),
            scores=of[0]["scores"],
            truths=of[0]["truths"],
            lines=tuple(line for board in of for line in board["lines"] if line["judged"]),
        )
        for pair, of in found.items()
    ]


def ranking(groups: Sequence[Group], truth: str, config: RankScores) -> Ranking:
    """How each score predicts a truth, where any group has it for enough Gs."""
    found = {}
    for key in groups[0].scores:
        ranked = _ranked(groups, key, truth, config)
        if ranked is not None:
            found[key] = ranked
    return found


def _ranked(groups: Sequence[Group], key: str, truth: str, config: RankScores) -> Ranked | None:
    points, replicates, regrets, count = [], [], [], 0
    for number, group in enumerate(groups):
        lines = [
            line
            for line in group.lines
            if line["scores"].get(key) is not None and line["judged"].get(truth) is not None
        ]
        if len(lines) < LEAST:
            continue
        x = _good([line["scores"][key] for line in lines], group.scores[key])
        y = _good([line["judged"][truth] for line in lines], group.truths[truth])
        weights = _resamples(lines, number, config)
        point = [of(x, y, np.ones((1, len(x))))[0] for of in (spearman, kendall)]
        if np.isnan(point).any():  # a score that is the same for all tells nothing
            continue
        points.append(point)
        replicates.append([of(x, y, weights) for of in (spearman, kendall)])
        every = _good([line["judged"][truth] for line in group.lines], group.truths[truth])
        regrets.append(float(every.max() - y[x.argmax()]))
        count += len(lines)
    if not points:
        return None
    means, spread = np.mean(points, axis=0), np.mean(replicates, axis=0)
    rho, tau = (
        Value(float(mean), *(interval(values) or (None, None)))
        for mean, values in zip(means, spread, strict=True)
    )
    return Ranked(rho, tau, float(np.mean(regrets)), count)


def _good(values: Sequence[float], named: Mapping[str, Any]) -> np.ndarray:
    """Values, the better the higher."""
    return np.array(values, float) * (1 if named["better"] == "higher" else -1)


def _resamples(lines: Sequence[Mapping[str, Any]], number: int, config: RankScores) -> np.ndarray:
    """(R, N) counts; Gs that differ by their seed alone are drawn together."""
    names = [line["configuration"] for line in lines]
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    counts = seed_counts(len(places), config.bootstrap, config.seed, number)
    return counts[:, [places[name] for name in names]]


def _check_apart(chosen_on: Sequence[Group], reported: Sequence[Group]) -> None:
    tasks = sorted({group.task for group in (*chosen_on, *reported)})
    if len(tasks) > 1:
        raise MismatchError(f"sweeps of different tasks, {', '.join(tasks)}: rank them apart")
    for group in reported:
        for other in chosen_on:
            if group.encoders & other.encoders:
                raise MismatchError(
                    f"{group.name}: has the encoders of {other.name}; report on other seeds than "
                    "those that choose"
                )


def _common_truths(groups: Sequence[Group]) -> list[str]:
    """Figures that judged the Gs of all groups."""
    common = [key for key in groups[0].truths if all(key in group.truths for group in groups)]
    if not common:
        names = ", ".join(group.name for group in groups)
        raise MismatchError(f"{names}: were judged by different figures; sweep them alike")
    return common


def _table(
    what: str, groups: Sequence[Group], truth: str, found: Ranking, order: Sequence[str]
) -> Table:
    named = groups[0].truths[truth]
    rows = [
        Row(
            groups[0].scores[key]["title"],
            [found[key].spearman, found[key].kendall, found[key].regret, found[key].gs],
            emphasis=key == order[0],
        )
        for key in order
        if key in found
    ]
    rows.append(Row("a G at random", [None, None, _at_random(groups, truth), None], competes=False))
    columns = [
        Column("Spearman", 2, "higher"),
        Column("Kendall", 2, "higher"),
        Column(f"regret in {named['title']}", named["digits"], "lower"),
        Column("Gs", 0),
    ]
    names = ", ".join(group.name for group in groups)
    return Table(f"{named['title']}, {what} {names}; {JUDGED}", columns, rows, "score")


def _at_random(groups: Sequence[Group], truth: str) -> float:
    """Mean regret of taking any G."""
    every = [
        _good([line["judged"][truth] for line in group.lines], group.truths[truth])
        for group in groups
    ]
    return float(np.mean([values.max() - values.mean() for values in every]))


def _sentence(ranked: Ranked, groups: Sequence[Group], truth: str) -> str:
    """What was found, in words."""
    rho = ranked.spearman
    between = "" if rho.low is None else f" [{rho.low:.2f}, {rho.high:.2f}]"
    title = groups[0].truths[truth]["title"]
    sweeps = "1 other sweep" if len(groups) == 1 else f"{len(groups)} other sweeps"
    found = f"Spearman {rho.value:.2f}{between} with {title}, {ranked.gs} Gs of {sweeps}"
    unsure = rho.low is None or rho.low <= 0
    return f"{found}, which is not certainly above zero" if unsure else found
