"""What a task is: a small file here, found by its name; adding a file adds a task."""

import importlib
import pkgutil
from typing import TYPE_CHECKING

from atdt.errors import UserError

if TYPE_CHECKING:
    from atdt.tasks.base import Task

NOT_TASKS = ("base", "files")


def task_names() -> list[str]:
    """Names of all tasks, sorted: the modules here that are neither shared nor private."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in modules if name not in NOT_TASKS and not name.startswith("_"))


def get_task(name: str) -> "Task":
    """The task of that name: `TASK` of the module `atdt.tasks.<name>`.

    Raises:
        UserError: there is no such module; the message lists the names.
    """
    names = task_names()
    if name not in names:
        raise UserError(f"no task {name!r}; there are {', '.join(names)}")
    return importlib.import_module(f"{__name__}.{name}").TASK
