"""Scores of a network as a whole: what its training left behind, and what A's labels say of it."""

from collections.abc import Mapping

import numpy as np
import torch

from atdt.devices import precision_context
from atdt.diagnose.judging import Judge
from atdt.diagnose.scores.evidence import Evidence
from atdt.diagnose.scores.figures import Which, across_cameras, figure_of
from atdt.diagnose.scores.of_images import PLACES
from atdt.diagnose.scores.outputs import Candidate
from atdt.stores import Rows
from atdt.transfer.building import FEATURES_MODE
from atdt.transfer.lessons import Agreement, Labels

SAMPLES = 64  # of A on which features that G makes are looked at
BATCH = 16


def recorded(evidence: Evidence, candidate: Candidate, name: str) -> float | None:
    """What its training measured on A's held-out images."""
    scores = candidate.info.get("scores")
    return scores.get(name) if isinstance(scores, Mapping) else None


def loss_on_a(evidence: Evidence, candidate: Candidate) -> float | None:
    """The held-out loss without the part of it that was measured on B."""
    total = recorded(evidence, candidate, "held_out_loss")
    for name in (Agreement.name, Labels.name):
        given = candidate.info.get("config", {}).get(name)
        on_b = recorded(evidence, candidate, f"held_out_{name}")
        if given and None not in (total, on_b):
            total -= given["weight"] * on_b
    return total


def on_a(evidence: Evidence, candidate: Candidate, which: Which) -> float | None:
    """T2's figure on A's held-out images."""
    found = _figures(evidence, evidence.on_a, candidate)
    return None if found is None else found[figure_of(evidence.task, evidence.space, which).key]


def on_rehearsal(evidence: Evidence, candidate: Candidate, which: Which) -> float | None:
    """T2's figure on A in B's look; of depth × the focal ratio, where it is known."""
    found = _figures(evidence, evidence.rehearsal, candidate)
    if found is None:
        return None
    wanted = across_cameras(evidence.task, evidence.space, which).key
    return found.get(wanted, found[figure_of(evidence.task, evidence.space, which).key])


@torch.no_grad()
def outside_on_a(evidence: Evidence, candidate: Candidate) -> float | None:
    """Share of the locations at which G leaves what E2's features are like, on A itself."""
    setting = evidence.setting
    if candidate.info.get("mode") != FEATURES_MODE or evidence.known is None:
        return None
    samples = setting.held_out.samples
    samples = np.flatnonzero(setting.held_out.kept) if not len(samples) else samples
    rows, shares = Rows(setting.readers["source"]), []
    for part in np.array_split(samples[:SAMPLES], -(-min(len(samples), SAMPLES) // BATCH)):
        features = torch.from_numpy(rows.read(part)).to(evidence.device, torch.float32)
        with precision_context(evidence.device, candidate.precision):
            made = candidate.network(features).float().cpu()
        shares.append(evidence.known.shares(made.numpy(), PLACES))
    return float(np.concatenate(shares).mean())


def _figures(
    evidence: Evidence, judge: Judge | None, candidate: Candidate
) -> Mapping[str, float] | None:
    if judge is None or candidate.network is None:
        return None
    return evidence.figures(judge, candidate)
