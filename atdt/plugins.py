"""Functions of a user's own, by name: "package.module:function"."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from atdt.errors import UserError


def load_function(name: str, called: str, *, allow_import: bool) -> Callable[..., Any]:
    """Import the function "package.module:function", from the current folder too.

    Args:
        name: of the function.
        called: what a message calls it.
        allow_import: the user trusts it: importing a module runs its code.

    Raises:
        UserError: importing is not allowed, or there is no such module or function.
    """
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise UserError(f"{called}: write package.module:function")
    if not allow_import:
        raise UserError(
            f"{called}: importing {module} runs its code; give --allow-import if you trust it"
        )
    here = str(Path.cwd())
    if here not in sys.path:  # behind all that is installed
        sys.path.append(here)
    try:
        found = getattr(importlib.import_module(module), function, None)
    except ImportError as error:
        raise UserError(f"{called}: {module} cannot be imported ({error})") from error
    if not callable(found):
        raise UserError(f"{called}: {module} has no function {function}")
    return found
