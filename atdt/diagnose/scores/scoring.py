"""Score networks: those of a whole one by one, those of images on one pass over B's store."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from atdt.diagnose.scores.evidence import Evidence
from atdt.diagnose.scores.outputs import Baseline, Candidate, Made
from atdt.diagnose.scores.registry import SCORES, Score
from atdt.diagnose.scores.seen import Seen, Views
from atdt.diagnose.scores.shown import Pair, Shown
from atdt.progress import progress

OUTPUT_BYTES = 2**28  # of all networks' outputs together, which decides how many images go at once
MOST_IMAGES = 16
FEWEST = 3  # networks that have a median

Values = dict[str, dict[str, float | None]]  # name of a network → key of a score → value


def score(
    evidence: Evidence, candidates: Sequence[Candidate], scores: Sequence[Score] = SCORES
) -> Values:
    """Score networks by all that applies.

    Args:
        candidates: of different names; G against G, and whatever else predicts T2 on B.

    Returns:
        for each network the scores that apply to T2, None where it has nothing to go by.

    Raises:
        UserError: a store or predictions folder that cannot be read.
    """
    applying = [s for s in scores if s.applies(evidence.task, evidence.space)]
    values: Values = {one.name: dict.fromkeys(s.key for s in applying) for one in candidates}
    for one in candidates:
        for known in applying:
            if known.of_network is not None:
                values[one.name][known.key] = _number(known.of_network(evidence, one))
    if evidence.seen is not None and candidates:
        by_image = [known for known in applying if known.of_images is not None]
        for name, found in _on_b(evidence, candidates, by_image).items():
            values[name].update(found)
    return values


def _on_b(evidence: Evidence, candidates: Sequence[Candidate], scores: Sequence[Score]) -> Values:
    """Means over B's images."""
    seen = evidence.seen
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    with progress("score on B", len(seen.images), "images") as advance:
        for views in seen.walk(_images_at_once(evidence, len(candidates))):
            for name, shown in _shown(evidence, candidates, views):
                for known in scores:
                    values = known.of_images(shown)
                    if values is not None:
                        found.setdefault((name, known.key), []).append(values)
            advance(len(views.pieces[0].images))
    means: Values = {one.name: {} for one in candidates}
    for (name, key), parts in found.items():
        values = np.concatenate(parts)
        values = values[~np.isnan(values)]
        means[name][key] = float(values.mean()) if values.size else None
    return means


def _shown(
    evidence: Evidence, candidates: Sequence[Candidate], views: Views
) -> Iterator[tuple[str, Shown]]:
    """What each network is seen to do on a few images."""
    plain = views.pieces[0]
    made = {one.name: one.make(plain) or Made() for one in candidates}
    baseline = _baseline(evidence.seen, evidence.device, views, made)
    median = _median(evidence, candidates, made)
    for one in candidates:
        seeds = [
            made[other.name].prediction
            for other in candidates
            if other.name != one.name and one.configuration == other.configuration != ""
        ]
        yield (
            one.name,
            Shown(
                task=evidence.task,
                space=evidence.space,
                images=plain.images,
                made=made[one.name],
                baseline=None if isinstance(one, Baseline) else baseline,
                seeds=[prediction for prediction in seeds if prediction is not None],
                median=median,
                views=_pairs(evidence, one, made[one.name], views),
                known=evidence.known,
                t1=views.t1,
                cross_task=evidence.cross_task,
            ),
        )


def _baseline(
    seen: Seen, device: torch.device, views: Views, made: Mapping[str, Made]
) -> np.ndarray | None:
    """N2's predictions, where B's store has its features."""
    if seen.baseline is None:
        return None
    one = Baseline(seen.d2, device)
    return (made.get(one.name) or one.make(views.pieces[0])).prediction


def _median(
    evidence: Evidence, candidates: Sequence[Candidate], made: Mapping[str, Made]
) -> np.ndarray | None:
    """The prediction by the median output of all networks but N2, of three or more: a mean would be
    what the worst of them makes of it."""
    outputs = [
        made[one.name].output
        for one in candidates
        if made[one.name].output is not None and not isinstance(one, Baseline)
    ]
    if len(outputs) < FEWEST:
        return None
    return evidence.task.predict(torch.stack(outputs).median(dim=0).values).numpy()


def _pairs(
    evidence: Evidence, one: Candidate, plain: Made, views: Views
) -> tuple[tuple[Pair, ...], ...]:
    """For each image what other views predict of the pixels that the plain one shows, and it."""
    pairs: list[list[Pair]] = [[] for _ in views.pieces[0].images]
    for piece, cuts in zip(views.pieces[1:], views.cuts[1:], strict=True):
        made = one.make(piece)
        if plain.prediction is None or made is None or made.prediction is None:
            continue
        for row, (cut, first) in enumerate(zip(cuts, views.cuts[0], strict=True)):
            where = first.shared(cut)
            if where is not None:
                upright = _upright(made.prediction[row], evidence, cut.flip)
                mine, theirs = where
                pairs[row].append((upright[(..., *theirs)], plain.prediction[row][(..., *mine)]))
    return tuple(map(tuple, pairs))


def _upright(prediction: np.ndarray, evidence: Evidence, flip: bool) -> np.ndarray:
    """A prediction (…, h, w) as it would be of the image that was not mirrored."""
    if not flip:
        return prediction
    mirrored = prediction[..., ::-1].copy()
    if evidence.task.label == "normals":
        mirrored[0] = -mirrored[0]
    return mirrored


def _images_at_once(evidence: Evidence, networks: int) -> int:
    if evidence.task is None:
        return MOST_IMAGES
    height, width = evidence.seen.size
    size = 4 * height * width * evidence.task.channels(evidence.space) * networks
    return max(1, min(MOST_IMAGES, OUTPUT_BYTES // size))


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
