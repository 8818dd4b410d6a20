"""Several predictions of one task, made into one."""

from atdt.merge.merging import Merging, merge

__all__ = ["Merging", "merge"]
