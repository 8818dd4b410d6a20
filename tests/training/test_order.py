"""The order of draws: a pure function, every image once an epoch, each time another view."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from atdt.launch import Launch
from atdt.ranks import Ranks
from atdt.training.order import Draw, Order
from tests.made_ranks import CPU

SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=3)


@given(sizes=SIZES, batch=st.integers(1, 9), seed=st.integers(0, 99), epochs=st.integers(1, 3))
def test_every_image_comes_once_an_epoch_in_the_view_of_that_epoch(sizes, batch, seed, epochs):
    order = Order(sizes, batch, seed)
    steps = -(-sum(sizes) * epochs // batch)
    drawn = [draw for step in range(steps) for draw in order.draws(step)][: sum(sizes) * epochs]
    everything = [(domain, image) for domain, size in enumerate(sizes) for image in range(size)]
    for epoch in range(epochs):
        part = drawn[epoch * sum(sizes) : (epoch + 1) * sum(sizes)]
        assert sorted((draw.domain, draw.image) for draw in part) == everything
        assert {draw.view for draw in part} == {1 + epoch}


@given(sizes=SIZES, batch=st.integers(1, 9), seed=st.integers(0, 99), step=st.integers(0, 20))
def test_a_step_does_not_depend_on_the_steps_before_it(sizes, batch, seed, step):
    walked = Order(sizes, batch, seed)
    for earlier in range(step):
        walked.draws(earlier)
    assert walked.draws(step) == Order(sizes, batch, seed).draws(step)
    assert len(walked.draws(step)) == batch


@given(
    sizes=SIZES, part=st.integers(1, 3), seed=st.integers(0, 99), size=st.sampled_from([1, 2, 4])
)
def test_ranks_together_draw_what_one_draws(sizes, part, seed, size):
    order = Order(sizes, 4 * part, seed)
    for step in range(3):
        ranks = [Ranks(Launch(r, size, r, size), CPU) for r in range(size)]
        drawn = [order.draws(step)[rank.part(4 * part)] for rank in ranks]
        assert {len(own) for own in drawn} == {4 * part // size}
        assert [draw for own in drawn for draw in own] == Order(sizes, 4 * part, seed).draws(step)


@given(sizes=SIZES, turns=st.integers(1, 4), seed=st.integers(0, 99), step=st.integers(0, 20))
def test_balance_draws_equally_from_each_domain(sizes, turns, seed, step):
    order = Order(sizes, batch=turns * len(sizes), seed=seed, balance=True)
    drawn = order.draws(step)
    assert Counter(draw.domain for draw in drawn) == dict.fromkeys(range(len(sizes)), turns)
    whole = [draw for s in range(step + 1) for draw in order.draws(s)]
    assert len(set(whole)) == len(whole)
    for domain, size in enumerate(sizes):
        ours = [draw for draw in whole if draw.domain == domain]
        assert [draw.view for draw in ours] == [1 + k // size for k in range(len(ours))]


def test_seed_and_epoch_change_the_order():
    first, other = (Order([50], 50, seed) for seed in (0, 1))
    images = [[d.image for d in o.draws(s)] for o, s in ((first, 0), (first, 1), (other, 0))]
    assert images[0] != images[1]
    assert images[0] != images[2]
    assert images[0] != sorted(images[0])


def test_concatenated_lists_are_mixed():
    drawn = Order([100, 100], 20, seed=0).draws(0)
    assert 3 < sum(draw.domain for draw in drawn) < 17
    assert isinstance(drawn[0], Draw)
    assert all(type(draw.image) is int for draw in drawn)
