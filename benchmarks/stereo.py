"""What `proxy-depth` finds on rendered stereo pairs, by the number of directions; no bar."""

import time
from pathlib import Path

import numpy as np

from atdt.decode.proxy_depth import FARTHEST
from atdt.domains import Domain, open_domain
from atdt.domains.stereo import DIRECTIONS, Matching, depth, disparity
from atdt.domains.streets import RenderConfig, render
from benchmarks.harness import Scale, Table

SIZE = (256, 512)


def measure(scale: Scale, folder: Path) -> list[Table]:
    """Error, coverage and time on the development pair's training frames."""
    frames = scale.of(12, 2)
    data = render(RenderConfig(folder / "data", train=frames, val=0, test=0, size=SIZE))
    domains = [open_domain(f"{data / letter}:train") for letter in "ab"]
    table = Table(
        f"depth of {frames} rendered stereo pairs of A and of B, {SIZE[0]}x{SIZE[1]}",
        (
            "directions",
            "domain",
            "median error",
            "pixels with depth",
            "sky with a depth",
            "s a pair",
        ),
    )
    for directions in DIRECTIONS:
        for letter, domain in zip("AB", domains, strict=True):
            error, known, sky, seconds = _matched(domain, Matching(directions=directions))
            table.add(
                directions, letter, f"{error:.1%}", f"{known:.0%}", f"{sky:.0%}", f"{seconds:.2f}"
            )
            for name, value in (("error", error), ("known", known), ("sky", sky)):
                table.figure(f"{directions} {letter} {name}", value)
    table.notes.append(
        "Median relative error where both have a depth; pixels with depth are a share of those "
        f"that have one up to {FARTHEST:g} m in truth. The sky has none: what it is given is wrong."
    )
    return [table]


def _matched(domain: Domain, matching: Matching) -> tuple[float, float, float, float]:
    """Median relative error, share of pixels with depth, of the sky, and seconds a pair."""
    is_sky = domain.label_space.classes.index("sky")
    errors, known, sky, seconds = [], [], [], 0.0
    for index in range(len(domain)):
        left, right, true = domain.image(index), domain.right(index), domain.label(index, "depth")
        start = time.perf_counter()
        found = disparity(left, right, matching)
        seconds += time.perf_counter() - start
        seen = depth(found, domain.camera(index).stereo(), FARTHEST)
        there = (true > 0) & (true <= FARTHEST)
        both = there & (seen > 0)
        errors.append(np.abs(seen[both] - true[both]) / true[both])
        known.append((seen > 0)[there])
        sky.append((seen > 0)[domain.label(index, "semantic") == is_sky])
    means = (float(np.concatenate(part).mean()) for part in (known, sky))
    return float(np.median(np.concatenate(errors))), *means, seconds / len(domain)
