"""`atdt reproduce`: a table of the paper, on its data or on rendered streets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from atdt.evaluate.pictures import save_grid
from atdt.evaluate.report import Facts, Paragraph, Plot, Section, write_report
from atdt.evaluate.report_table import Table
from atdt.evaluate.table import markdown
from atdt.experiments.adapted import adapted, perfectly_adapted
from atdt.experiments.class_table import class_tables
from atdt.experiments.experiment import Experiment, rendering, run, walk
from atdt.experiments.figures import figures
from atdt.experiments.grid_table import grid_tables
from atdt.experiments.grids import GRIDS, Cell
from atdt.experiments.page import in_markdown, pages_beside, pictures, sections
from atdt.experiments.papers_table import adapted_tables, papers_tables, study_table
from atdt.experiments.plots import curve_plot, findings_plot, level_plot, method_plot, png
from atdt.experiments.reproduction import (
    ADAPTED,
    TITLES,
    TO_SEMANTIC,
    Reproduction,
    experiment_of,
    report_name,
)
from atdt.experiments.road import Road
from atdt.experiments.sides import Direction, Outcome
from atdt.experiments.steps import Steps
from atdt.experiments.studies import STUDIES, Finding
from atdt.files import write_atomic
from atdt.provenance import provenance

WAYS = STUDIES | dict.fromkeys(ADAPTED, adapted)


@dataclass(frozen=True)
class Reproduced:
    """What was made.

    Attributes:
        tables: in the paper's layout.
        report: a page with all rows, intervals and pictures; tables as Markdown lie beside it.
    """

    tables: list[Table]
    report: Path


def reproduce(config: Reproduction) -> Reproduced:
    """Run every training that the table needs and that is not there, measure, write the page.

    Raises:
        UserError: an unknown pair or preset, or domains that are missing or too many.
    """
    experiment = experiment_of(config).settled()
    folder = experiment.reports / report_name(config)
    make = MAKERS.get(config.table, _comparison)
    tables, text, body, steps = make(config.table, experiment, folder)
    write_atomic(folder / "tables.md", text.encode())
    preset = experiment.preset
    settings = {name: getattr(preset, name) for name in preset.__dataclass_fields__}
    made = provenance()
    body = [
        Paragraph(_introduction(experiment)),
        *body,
        Facts("Settings, the same for every row", settings | {"encoder seeds": config.seeds}),
        Facts("Seconds of each step", steps.seconds),
        Facts("Made with", made["versions"] | {"created": made["created"]}),
    ]
    title = f"{TITLES[config.table]}, {experiment.pair.name}"
    return Reproduced(tables, write_report(folder / "index.html", title, body))


def _comparison(
    table: str, experiment: Experiment, folder: Path
) -> tuple[list[Table], str, list[Section], Steps]:
    """Tables 1 and 2 and `tasks`: AT/DT beside baseline, oracle and rivals."""
    results, steps = run(experiment)
    result = results[0]
    tables = papers_tables(table, result, experiment.pair)
    measured = figures(result)
    classes = class_tables(result, measured)
    save_grid(pictures(result.directions[0], result.outcomes[0]), folder / "pictures.png")
    text = "\n\n".join([*map(markdown, tables), in_markdown(result, measured, classes)])
    plots = {"bars.png": method_plot(table, result, measured, experiment.pair)}
    if result.curves:
        plots["curve.png"] = curve_plot(result, measured)
    body = [*tables, *_saved(plots, folder), *sections(result, measured, classes)]
    return tables, text, [*body, *pages_beside(result, folder)], steps


def _figure3(
    table: str, experiment: Experiment, folder: Path
) -> tuple[list[Table], str, list[Section], Steps]:
    """Pictures of both directions, with the figures that belong to them."""
    results, steps = run(experiment)
    tables: list[Table] = []
    body: list[Section] = []
    for result in results:
        direction = result.directions[0]
        grid = pictures(direction, result.outcomes[0])
        save_grid(grid, folder / f"{direction.name}.png")
        shown = papers_tables(table, result, experiment.pair)
        tables += shown
        body += [grid, *shown]
    return tables, "\n\n".join(map(markdown, tables)), body, steps


def _study(
    table: str, experiment: Experiment, folder: Path
) -> tuple[list[Table], str, list[Section], Steps]:
    """Tables 3 to 6 and figure 4: changes of the road, on both domains."""

    def findings(direction: Direction, steps: Steps) -> list[Finding]:
        road = Road(direction, experiment.preset, steps, Outcome())
        if not experiment.perfect_look:
            return WAYS[table](road)
        return [*WAYS[table](road), *perfectly_adapted(road, rendering(experiment))]

    walked, steps = walk(experiment, findings)
    found = walked[0][1]
    if experiment.directions != (TO_SEMANTIC,) and table in STUDIES:  # the paper has none of it
        found = [[replace(finding, printed={}) for finding in same] for same in found]
    if table in ADAPTED:
        tables = adapted_tables(table, found, experiment.pair)
    else:
        tables = [study_table(table, found, experiment.pair)]
    if table == "figure4":
        plots = {"levels.png": level_plot(found)}
    else:
        plots = {"bars.png": findings_plot(table, found, experiment.pair)}
    body = [*tables, *_saved(plots, folder)]
    return tables, "\n\n".join(map(markdown, tables)), body, steps


def _saved(plots: Mapping[str, Plot], folder: Path) -> list[Plot]:
    """The plots, for the page, once they lie in `folder` under their names too."""
    for file, plot in plots.items():
        write_atomic(folder / file, png(plot.figure))
    return [*plots.values()]


def _grid(
    table: str, experiment: Experiment, folder: Path
) -> tuple[list[Table], str, list[Section], Steps]:
    """Options crossed with methods, on B."""

    def cells(direction: Direction, steps: Steps) -> list[Cell]:
        return GRIDS[table](Road(direction, experiment.preset, steps, Outcome()))

    walked, steps = walk(experiment, cells)
    preset = experiment.preset
    tables = grid_tables(TITLES[table], walked[0][1], experiment.pair, preset.block)
    return tables, "\n\n".join(map(markdown, tables)), [*tables], steps


MAKERS = {"figure3": _figure3} | dict.fromkeys(WAYS, _study) | dict.fromkeys(GRIDS, _grid)


def _introduction(experiment: Experiment) -> str:
    pair = experiment.pair
    if experiment.places is not None:
        b = experiment.places[1]
        other = (
            f" B is tested on another domain, {b.spec('test')}; where that has no labels of task "
            "1, the chain of losses has no link of N1 on B."
            if "test" in b.elsewhere
            else ""
        )
        return (
            f"Domain A is {pair.a}, domain B is {pair.b}.{other} Rows named published are the "
            "numbers of the paper, single runs of its authors; a difference is measured minus "
            "published."
        )
    return (
        "Domain A and domain B are rendered streets, other data than the paper's: the shape of its "
        "findings can be looked for here, its numbers cannot."
    )
