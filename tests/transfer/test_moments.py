"""Sums over locations: what neighbourhoods that are written out give, without writing them out."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import unfold

from atdt.transfer.moments import Moments
from atdt.transfer.network import build_transfer
from atdt.transfer.ridge import linear_part

SIDES = st.integers(1, 4)


@given(st.sampled_from([1, 3]), SIDES, SIDES, st.integers(1, 3), st.integers(0, 99))
def test_they_are_those_of_the_rows(side, height, width, samples, seed):
    generator = torch.Generator().manual_seed(seed)
    source, target = (torch.randn(samples, c, height, width, generator=generator) for c in (2, 3))
    network = build_transfer(
        "ridge",
        {"neighbourhood": side, "standardise": False},
        (2, height, width),
        (3, height, width),
    )
    moments = Moments(network, linear_part(network.body))
    for part in (slice(1), slice(1, None)):
        if len(source[part]):
            moments.add({"source": source[part], "target": target[part]})
    gram, products, squares = (part.numpy() for part in moments.sums())
    rows = unfold(source, side, padding=side // 2).unflatten(1, (2, side**2))
    rows = rows.permute(0, 3, 2, 1).flatten(2).flatten(0, 1).double().numpy()
    rows = np.column_stack([rows, np.ones(len(rows))])
    wanted = target.movedim(1, -1).flatten(0, 2).double().numpy()
    np.testing.assert_allclose(gram, rows.T @ rows, atol=1e-12)
    np.testing.assert_allclose(products, rows.T @ wanted, atol=1e-12)
    np.testing.assert_allclose(squares, (wanted**2).sum(0), atol=1e-12)
