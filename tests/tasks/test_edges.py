"""Edges are made from the image, and measured without labels."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atdt.domains import LabelSpace
from atdt.tasks.edges import TASK

SPACE = LabelSpace("one", ("any",), ((0, 0, 0),))


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 5))
def test_the_target_is_sobel_on_grey_by_brute_force(seed, height, width):
    image = np.random.default_rng(seed).random((2, 3, height, width), dtype=np.float32)
    found = TASK.target(torch.from_numpy(image), None)
    assert found.shape == (2, height, width)
    assert found.dtype == torch.float32
    kernel = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    for n, y, x in np.ndindex(found.shape):
        across = down = 0.0
        for dy in range(3):
            for dx in range(3):
                row = min(max(y + dy - 1, 0), height - 1)
                column = min(max(x + dx - 1, 0), width - 1)
                red, green, blue = image[n, :, row, column].tolist()
                grey = 0.299 * red + 0.587 * green + 0.114 * blue
                across += kernel[dy][dx] * grey / 4
                down += kernel[dx][dy] * grey / 4
        assert found[n, y, x].item() == pytest.approx(math.hypot(across, down), abs=1e-5)


def test_an_upright_edge_of_black_and_white_has_strength_one():
    image = torch.zeros(1, 3, 4, 6)
    image[..., 3:] = 1.0
    target = TASK.target(image, None)
    torch.testing.assert_close(target[0, 1], torch.tensor([0.0, 0.0, 1.0, 1.0, 0.0, 0.0]))


def test_loss_prediction_and_error(tmp_path):
    output = torch.tensor([[[[0.5, 0.25]]]])
    target = torch.tensor([[[0.0, 0.5]]])
    assert TASK.loss(output, target).item() == pytest.approx(0.375)
    prediction = TASK.predict(output)[0].numpy()
    path = TASK.write(tmp_path / "edge", prediction)
    np.testing.assert_array_equal(TASK.read(path), prediction)
    record = TASK.measure(prediction, target[0].numpy(), SPACE)
    assert TASK.summarise([record, record], SPACE) == {"mae": pytest.approx(0.375)}


def test_white_is_a_strong_edge():
    picture = TASK.colour(np.array([[0.0, 0.25, 0.5, 1.2]]), SPACE)
    assert picture[0].tolist() == [[0] * 3, [128] * 3, [255] * 3, [255] * 3]


def test_the_clean_image_is_needed():
    assert TASK.channels(SPACE) == 1
    with pytest.raises(ValueError, match="clean image"):
        TASK.target(None, torch.zeros(1, 2, 2))
