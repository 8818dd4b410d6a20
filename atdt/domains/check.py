"""Reading a whole domain ahead of its use, to find what cannot be used."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from atdt.domains.domain import Domain
from atdt.errors import DomainError
from atdt.progress import progress

MOST_THREADS = 16


def check_files(domain: Domain, labels: Sequence[str]) -> None:
    """Prove that every image and every label of the kinds `labels` is listed and is a file.

    Raises:
        DomainError: one is not; names list, line and file.
    """
    for index, sample in enumerate(domain.samples):
        paths = [domain.root / sample.image, *(domain.file(index, kind) for kind in labels)]
        for path in paths:
            if domain.sizes.of(path) is None:
                raise DomainError(f"{domain.list_path}:{sample.line}: {path}: no such file")


def find_bad(domain: Domain, labels: Sequence[str]) -> dict[int, str]:
    """Decode every image and label of the kinds `labels`, by threads.

    Returns:
        for each sample that cannot be used, its index and one line that says why.
    """
    bad: dict[int, str] = {}
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    with (
        progress(f"check {domain.name}:{domain.split}", len(domain), "images") as advance,
        ThreadPoolExecutor(threads, thread_name_prefix="check") as pool,
    ):
        problems = pool.map(lambda index: _problem(domain, index, labels), range(len(domain)))
        for index, problem in enumerate(problems):
            if problem is not None:
                bad[index] = problem
            advance(1)
    return bad


def _problem(domain: Domain, index: int, labels: Sequence[str]) -> str | None:
    try:
        domain.image(index)
        for kind in labels:
            domain.label(index, kind)
    except DomainError as error:
        return str(error)
    return None
