"""What ends a process at a chosen moment, as a kill would."""

import itertools
from collections.abc import Callable
from functools import wraps
from typing import Any


class Killed(BaseException):
    """What no handler of the project may swallow."""


def dying_after(
    calls: int, ending: type[BaseException] = Killed
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A wrapper of functions that may be called so many times, all together; then each raises."""
    counter = itertools.count()

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def call(*arguments: Any, **options: Any) -> Any:
            if next(counter) >= calls:
                raise ending
            return original(*arguments, **options)

        return call

    return wrapper
