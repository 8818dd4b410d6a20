"""Options that came later are said only where they are used."""

from dataclasses import dataclass, field

from atdt.later import LATER, said


@dataclass(frozen=True)
class Config:
    size: int = 1
    noise: float = field(default=0.0, metadata=LATER)
    other: tuple[int, ...] | None = field(default=None, metadata=LATER)


def test_a_later_option_is_left_out_at_its_default_alone():
    assert said(Config()) == {"size": 1}
    assert said(Config(noise=0.5)) == {"size": 1, "noise": 0.5}
    assert said(Config(other=())) == {"size": 1, "other": ()}
