"""Made images that a discriminator sees again."""

import pytest
import torch

from atdt.adapt.history import History


def image(value):
    return torch.full((1, 3, 2, 2), float(value))


def test_until_it_is_full_the_new_images_are_shown_and_kept():
    history = History(3, (0, 0))
    for step in range(3):
        assert torch.equal(history.swap(step, image(step)), image(step))
    assert [kept[0, 0, 0].item() for kept in history.images] == [0, 1, 2]


def test_then_every_second_is_an_earlier_one_and_none_is_lost_or_doubled():
    history = History(5, (0, 0))
    shown = [history.swap(step, image(step))[0, 0, 0, 0].item() for step in range(400)]
    earlier = sum(value != step for step, value in enumerate(shown[5:], start=5))
    assert 150 < earlier < 250
    kept = [kept[0, 0, 0].item() for kept in history.images]
    assert len(kept) == 5
    # Each image is kept or was shown, the first ones twice: when they came and when they went.
    assert set(shown) | set(kept) == set(range(400))
    assert all(shown.count(value) == 1 for value in set(shown) if value >= 5)


def test_images_of_one_batch_are_swapped_one_by_one():
    history = History(1, (0, 0))
    made = torch.cat([image(1), image(2), image(3)])
    shown = history.swap(0, made)
    assert shown.shape == made.shape
    assert shown[0, 0, 0, 0] == 1
    assert len(history.images) == 1


def test_a_kept_image_is_a_copy_without_gradients():
    history = History(2, (0, 0))
    made = image(1).requires_grad_()
    shown = history.swap(0, made)
    assert not shown.requires_grad
    with torch.no_grad():
        made.fill_(7)
    assert history.images[0].eq(1).all()
    assert history.images[0].untyped_storage().nbytes() == history.images[0].nbytes


def test_without_capacity_nothing_is_kept():
    history = History(0, (0, 0))
    for step in range(4):
        assert torch.equal(history.swap(step, image(step)), image(step))
    assert not history.images


@pytest.mark.parametrize("cut", [1, 6])
def test_its_images_are_all_of_its_state(cut):
    def shown(history, steps):
        return [history.swap(step, image(step))[0, 0, 0, 0].item() for step in steps]

    whole = shown(History(3, (4, 1)), range(20))
    first, second = History(3, (4, 1)), History(3, (4, 1))
    begun = shown(first, range(cut))
    second.restore(torch.stack(first.images), torch.device("cpu"))
    assert begun + shown(second, range(cut, 20)) == whole
    assert shown(History(3, (5, 1)), range(20)) != whole
