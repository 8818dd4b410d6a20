"""`atdt convert`: a domain's labels in another encoding, as a domain of its own.

    OUT/domain.toml, OUT/train.txt …   written last, once every other file is there
    OUT/labels/semantic/a/b.png        the label of image a/b.jpg; likewise depth, normals
    OUT/labels/camera/a/b.json         its camera, where cameras differ
    OUT/a/b.jpg                        the image, under its own name

Images come along because no path of a list may leave its root: a root that holds both them and the
new labels could be the whole disk, and would give images other names, from which views are drawn.
They are hard links, which take no space and live on when the original is deleted; where the disk
cannot link, in an object store, and with `copy`, they are copies. A linked image must not be edited
in place: it is the original.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from atdt.copies import copy_file, link_or_copy
from atdt.domains.description import FILE_NAME
from atdt.domains.domain import Domain
from atdt.domains.encodings import check_encoding, write_depth, write_normals, write_png
from atdt.domains.lists import LABEL_KINDS, Sample
from atdt.domains.opening import open_splits
from atdt.domains.remaking import Remaking
from atdt.domains.writing import CAMERA, SPACE, Written, list_name
from atdt.errors import DomainError, UserError
from atdt.files import inside
from atdt.predictions import open_predictions, stems

VERB = "convert"
FINISHED, STARTED = f"{VERB}.json", f"{VERB}.partial.json"
LABELS = "labels"
OF_PREDICTIONS = "npy"  # holds whatever depth a network may predict
ENDINGS = {"npy": ".npy", "nyu-raw": ".pgm"}  # of depth; others are PNGs


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What to write.

    Attributes:
        domain: PATH[:SPLIT][@N]; without SPLIT every split.
        out: the new domain's folder: absent, empty, or one that the same conversion began.
        labels: kinds of label; all that the lists name when empty. Semantic labels become 8-bit
            PNGs of the ids of the domain's label space, after its label map; normals rgb8.
        depth_encoding: see `atdt.domains.encodings`; None keeps the domain's, and writes predicted
            depth as npy.
        farthest: metres; depth beyond becomes none, for encodings that end there. None keeps all.
        predictions: finished predictions folders, which take the place of the labels of their task.
        copy: copy images rather than link them.
    """

    domain: str
    out: Path
    labels: tuple[str, ...] = ()
    depth_encoding: str | None = None
    farthest: float | None = None
    predictions: tuple[Path, ...] = ()
    copy: bool = False

    def __post_init__(self) -> None:
        if self.farthest is not None and not self.farthest > 0:
            raise UserError(f"--farthest {self.farthest:g}: write metres above 0")


def convert(config: Conversion) -> Path:
    """Write the labels of a domain in another encoding; gives back the new domain's folder.

    Another label space is reached by a description that maps to it (`label_table`, [labels]) and
    shares the images' root. What an interrupted conversion has written is not written again.

    Raises:
        DomainError: the domain, a label or the encoding cannot be used, or depth lies outside of
            what the encoding holds.
        RunError: another process is writing there.
        UserError: `out` holds something else, or another conversion.
    """
    if config.depth_encoding is not None:
        check_encoding("depth", config.depth_encoding)
    domains = _open(config)
    kinds = _kinds(config, domains)
    own = OF_PREDICTIONS if "depth" in domains[0].predictions else domains[0].encodings["depth"]
    encodings = {"semantic": "ids", "depth": config.depth_encoding or own, "normals": "rgb8"}
    encodings = {kind: encodings[kind] for kind in kinds}
    written = _written(domains, encodings)
    _check_names(config.out, domains)
    header = {"digests": {domain.split: domain.digest() for domain in domains}}
    header |= {"encodings": encodings, "farthest": config.farthest}
    making = Remaking(VERB, config.out, header)
    with making.begun() as complete:
        if complete:
            return config.out
        jobs = (
            job
            for domain in domains
            for index, sample in enumerate(written.splits[domain.split])
            for job in _jobs(config, domain, index, sample, encodings)
        )
        making.run(domains[0].name, jobs, "files")
        return making.finish(written, domains)


def _open(config: Conversion) -> list[Domain]:
    """The splits that are asked for, with predictions in place of labels."""
    predicted = {open_predictions(folder).task: folder for folder in config.predictions}
    for kind, folder in predicted.items():
        if kind not in (config.labels or LABEL_KINDS):
            chosen = ", ".join(config.labels or LABEL_KINDS)
            raise UserError(f"{folder}: holds predictions of {kind}, but labels are {chosen}")
    domains = []
    labelled = [kind for kind in config.labels if kind not in predicted]
    for domain in open_splits(config.domain, labels=labelled):
        for kind, folder in predicted.items():
            domain = domain.with_predictions(kind, folder)
        domains.append(domain)
    return domains


def _kinds(config: Conversion, domains: Sequence[Domain]) -> list[str]:
    samples = [(domain, sample) for domain in domains for sample in domain.samples]
    kinds = config.labels or [kind for kind in LABEL_KINDS if any(_has(*s, kind) for s in samples)]
    if not kinds:
        raise DomainError(f"{domains[0].path}: its lists name no label; there is none to convert")
    return list(kinds)


def _has(domain: Domain, sample: Sample, kind: str) -> bool:
    return kind in domain.predictions or getattr(sample, kind) is not None


def _written(domains: Sequence[Domain], encodings: dict[str, str]) -> Written:
    """The new domain: every image under its old name, every label under the image's."""
    stem = stems([sample.image for domain in domains for sample in domain.samples])
    splits = {}
    for domain in domains:
        splits[domain.split] = [
            Sample(
                sample.line,
                sample.image,
                sample.right,
                camera=f"{LABELS}/{CAMERA}/{stem[sample.image]}.json",
                **{
                    kind: f"{LABELS}/{kind}/{stem[sample.image]}{_ending(kind, encoding)}"
                    for kind, encoding in encodings.items()
                    if _has(domain, sample, kind)
                },
            )
            for sample in domain.samples
        ]
    cameras = {d.split: [d.camera(index) for index in range(len(d))] for d in domains}
    mount = domains[0].description.mount
    return Written(domains[0].name, domains[0].label_space, splits, cameras, encodings, mount)


def _ending(kind: str, encoding: str) -> str:
    return ENDINGS.get(encoding, ".png") if kind == "depth" else ".png"


def _check_names(out: Path, domains: Sequence[Domain]) -> None:
    """Prove that lists stay in the folder, and no image bears a name that is needed for others."""
    for domain in domains:
        inside(out, list_name(domain.split))
    own = {LABELS, FILE_NAME, SPACE, FINISHED, STARTED, *(list_name(d.split) for d in domains)}
    for domain in domains:
        for sample in domain.samples:
            for name in filter(None, (sample.image, sample.right)):
                if own & {name, Path(name).parts[0]}:
                    raise DomainError(
                        f"{domain.list_path}:{sample.line}: {name}: this name is needed for the "
                        f"new labels and lists ({', '.join(sorted(own))}); rename the image"
                    )


def _jobs(
    config: Conversion, domain: Domain, index: int, sample: Sample, encodings: dict[str, str]
) -> Iterator[tuple[Path, Callable[[], object]]]:
    """What is to be done for one sample: files, and what writes them."""
    bring = copy_file if config.copy else link_or_copy
    for name in filter(None, (sample.image, sample.right)):
        path = inside(config.out, name)
        yield path, partial(bring, domain.root / name, path)
    for kind, encoding in encodings.items():
        name = getattr(sample, kind)
        if name is not None:
            path = inside(config.out, name)
            write = partial(_write_label, path, domain, index, kind, encoding, config.farthest)
            yield path, write


def _write_label(
    path: Path, domain: Domain, index: int, kind: str, encoding: str, farthest: float | None
) -> None:
    values = domain.label(index, kind)
    if kind == "semantic":
        write_png(path, values)
    elif kind == "normals":
        write_normals(path, values)
    else:
        near = values if farthest is None else np.where(values <= farthest, values, 0)
        write_depth(path, near, encoding, domain.camera(index))
