"""B in A's look as no adaptation could do better: the same scenes, rendered once more.

What decides colours, surfaces, light and weather is a knob of the renderer that leaves every label
as it is, so what a CycleGAN has to guess can be had on rendered streets.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from atdt.adapt.folder import AdaptedFolder
from atdt.domains import open_domain
from atdt.domains.streets import KNOBS, RenderConfig, render
from atdt.errors import MismatchError
from atdt.experiments.pairs import Place
from atdt.experiments.sides import Direction
from atdt.experiments.steps import Steps
from atdt.hold import exclusive
from atdt.progress import progress

LOOK = "rendered"
KEPT = tuple(knob for knob in KNOBS if knob != "appearance")


@dataclass(frozen=True)
class OtherImages:
    """A split whose images are to be another's.

    Attributes:
        domain: spec of the split; its labels and cameras are kept.
        images: spec of a split with images of the same names.
        out: folder of the new domain.
        resume, overwrite: go on with, or replace, what is in `out`.
    """

    domain: str
    images: str
    out: Path
    resume: bool = False
    overwrite: bool = False


def with_images_of(config: OtherImages) -> Path:
    """Write a domain with the labels of one split and the images of another; gives back `out`.

    Raises:
        DomainError: a split cannot be read.
        MismatchError: an image of `domain` has no namesake.
        UserError: what is in `out` already.
    """
    kept, shown = open_domain(config.domain), open_domain(config.images)
    places = {sample.image: index for index, sample in enumerate(shown.samples)}
    for sample in kept.samples:
        if sample.image not in places:
            raise MismatchError(f"{shown.list_path}: has no {sample.image}, which {kept.path} has")
    made_from = {"labels": kept.to_dict()["digest"], "images": shown.to_dict()["digest"]}
    with exclusive(config.out):
        folder = AdaptedFolder(
            config.out,
            [kept],
            f"{kept.name}-{LOOK}",
            made_from,
            {"domain": config.domain, "images": config.images},
            resume=config.resume,
            overwrite=config.overwrite,
        )
        if not folder.complete:
            todo = folder.todo()
            with progress(f"images of {shown.path}", len(todo), "images") as advance:
                for item in todo:
                    index = places[item.domain.samples[item.index].image]
                    folder.add(item, shown.image(index))
                    advance(1)
            folder.finish()
    return config.out


def rendered_look(rendering: RenderConfig, direction: Direction, steps: Steps) -> Path:
    """Domain B of the pair in A's look.

    Args:
        rendering: of the pair.
        direction: whose folders it goes beside.
        steps: the record.
    """
    out = direction.root / "data" / f"{direction.experiment}-look"
    config = replace(rendering, out=out, knobs=KEPT, right=False)
    return steps.do("render B once more, in the look of A", render, config, out=out) / "b"


def in_that_look(look: Path, b: Place, direction: Direction, steps: Steps) -> Place:
    """Domain B in that look; splits that have other labels keep them.

    Args:
        look: the domain with the images.
        b: as it was.
        direction, steps: see `rendered_look`.
    """
    elsewhere = {}
    for split, path in b.elsewhere.items():
        out = direction.root / "data" / f"{direction.experiment}-look-known" / split
        config = OtherImages(f"{b.spec(split)}", f"{look}:{b.splits[split]}", out)
        elsewhere[split] = steps.do(
            f"B-{split}, rendered in the look of A",
            with_images_of,
            config,
            look.parent,
            path,
            out=out,
        )
    return Place(look, b.splits, elsewhere)
