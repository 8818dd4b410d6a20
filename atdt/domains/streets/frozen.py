"""What the generator is frozen to: a digest of a few small frames of each pair."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from atdt.domains.streets.config import DOMAINS, KNOBS
from atdt.domains.streets.frame import render_frame

DIGESTS = {
    "streets": "262331c26d518a3874d5b47afc73654c2792aebea39c2dbc3d5222e4e6e93937",
    "streets-held-out": "a2941dbd6203b2528da030167d5c32c3b9ba5438c13f86ef012421cbe8c62330",
    "streets-held-out-2": "3ad2f4b2e7a339a5a8e7a264b33ec96ba2f4bdb600fa52fa268fc819a1fb612d",
}
DIGEST_SIZE = (48, 96)
DIGEST_INDICES = (0, 1)
# In a row of houses, wall to wall, some rays do pass so near an edge that Embree's rounding decides
# which wall they meet: three pixels of the frames above. No ray of these does, see `digest`.
CLEAR = {"streets-held-out-2": {"a": (2, 6), "b": (0, 1)}}
CLEAR_DIGESTS = DIGESTS | {
    "streets-held-out-2": "7903a96021419c786646fa7b29d165c013fb7ecaf2d3340bd4e989d2446ef5a6",
}


def digest(pair: str, indices: Mapping[str, Sequence[int]] | None = None) -> str:
    """Sha256 over pictures and labels of a few frames of both domains of a pair, seed 0.

    Pictures enter as their 8 bits, semantics as ids, depth in millimetres, normals in hundredths.
    Everything that is rounded is computed in float64 from basic operations, and Embree's float32
    only chooses triangles, so another processor gives the same digest unless a ray passes within
    its rounding of an edge.

    Args:
        pair: name of the pair.
        indices: by domain, of the frames; None: `DIGEST_INDICES` of both.
    """
    total = hashlib.sha256()
    for domain in DOMAINS:
        for index in DIGEST_INDICES if indices is None else indices[domain]:
            frame = render_frame(
                pair, domain, "train", index, seed=0, size=DIGEST_SIZE, knobs=KNOBS
            )
            for array in (
                frame.image,
                frame.right,
                frame.semantic,
                np.rint(frame.depth * 1000.0).astype("<i4"),
                np.rint(frame.normals * 100.0).astype("<i2"),
            ):
                total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
