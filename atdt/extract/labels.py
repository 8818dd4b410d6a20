"""Which labels an extraction stores: a domain's own, or predictions in their place."""

from typing import Any

from atdt.domains import Domain, open_domain
from atdt.domains.predicted import RELATIVE
from atdt.errors import UserError
from atdt.extract.config import Extraction
from atdt.predictions import INDEX, open_predictions
from atdt.tasks import get_task


def open_labelled(config: Extraction, **how: Any) -> Domain:
    """The domain with the labels that are asked for.

    Args:
        how: keywords of `open_domain`.

    Raises:
        UserError: predictions that no label can be, of a kind that is asked for twice, or that
            cannot be read.
        DomainError: the domain cannot be used, or predictions are of others than its images.
    """
    domain = open_domain(config.domain, labels=config.labels, **how)
    for folder in config.pseudo_labels:
        made = open_predictions(folder)
        kind = get_task(made.task).label
        if kind is None or made.task == RELATIVE:
            raise UserError(f"{made.folder / INDEX}: holds {made.task}, which is no label")
        if kind in config.labels or kind in domain.predictions:
            raise UserError(f"--pseudo {folder}: labels of {kind} are asked for twice; choose one")
        domain = domain.with_predictions(kind, folder)
    return domain


def label_kinds(config: Extraction, domain: Domain) -> tuple[str, ...]:
    """Kinds of the labels that are stored."""
    return tuple(dict.fromkeys((*config.labels, *domain.predictions)))
