"""What another camera might have seen: outputs and labels move together."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atdt.training.another_camera import moved, moved_labels

NONE = 255


def drawn(output, label, none=NONE, *, zoom=0.5, shift=0.25, seed=0, step=0):
    return moved(output, label, none, zoom=zoom, shift=shift, seed=seed, step=step)


def ramp(samples: int = 3, height: int = 8, width: int = 10) -> torch.Tensor:
    """Outputs that say where they were, (N, 2, h, w)."""
    rows, columns = torch.meshgrid(
        torch.arange(float(height)), torch.arange(float(width)), indexing="ij"
    )
    return torch.stack([rows, columns]).expand(samples, 2, height, width).clone()


@given(seed=st.integers(0, 50), step=st.integers(0, 50))
def test_outputs_and_labels_move_together(seed, step):
    output = ramp()
    label = (output[:, 0] * 10 + output[:, 1]).to(torch.uint8)
    seen, cut = drawn(output, label, seed=seed, step=step)
    there = cut != NONE
    rows, columns = (cut // 10).float(), (cut % 10).float()
    # The label is that of the pixel nearest to where the output was sampled.
    assert ((seen[:, 0] - rows).abs()[there] <= 0.5 + 1e-4).all()
    assert ((seen[:, 1] - columns).abs()[there] <= 0.5 + 1e-4).all()
    assert cut.dtype == torch.uint8 and seen.shape == output.shape


def test_draws_depend_on_seed_and_step_alone():
    output, label = ramp(), torch.zeros(3, 8, 10, dtype=torch.uint8)
    one, same = (drawn(output, label, step=4)[0] for _ in range(2))
    assert torch.equal(one, same)
    assert not torch.equal(one, drawn(output, label, step=5)[0])
    assert not torch.equal(one, drawn(output, label, step=4, seed=1)[0])
    assert not torch.equal(one[0], one[1])


def test_without_zoom_and_shift_nothing_moves():
    output, label = ramp(), torch.zeros(3, 8, 10, dtype=torch.uint8)
    assert drawn(output, label, zoom=0, shift=0) == (output, label)


def test_beyond_the_border_there_is_no_label():
    label = torch.full((64, 8, 10), 7, dtype=torch.uint8)
    _, cut = drawn(ramp(64), label, zoom=0.0, shift=0.25)
    assert set(cut.unique().tolist()) == {7, NONE}
    share = float((cut == NONE).float().mean())
    assert 0.1 < share < 0.4  # shifts of up to a quarter along each side


@pytest.mark.parametrize("shape", [(3, 8, 10), (3, 3, 8, 10)])
def test_labels_of_every_kind_keep_their_shape_and_dtype(shape):
    label = torch.rand(shape)
    _, cut = drawn(ramp(), label, none=0)
    assert cut.shape == shape and cut.dtype == torch.float32
    assert set(cut.unique().tolist()) <= {0.0, *label.unique().tolist()}


@given(seed=st.integers(0, 20), step=st.integers(0, 20))
def test_widened_labels_stay_in_their_rows(seed, step):
    rows = ramp()[:, :1]
    cut, again = moved_labels(
        ((rows, -1.0), (rows[:, 0], -1.0)), zoom=0.0, shift=0.0, seed=seed, step=step, widen=2.0
    )
    assert torch.equal(cut[:, 0], again)
    assert ((cut == rows) | (cut == -1)).all()
    assert (cut == rows).any()


def test_labels_that_neither_move_nor_widen_are_the_same():
    labels = ((ramp(), 0.0), (ramp()[:, 0], NONE))
    made = moved_labels(labels, zoom=0.0, shift=0.0, seed=0, step=0)
    assert all(one is label for one, (label, _) in zip(made, labels, strict=True))
