"""Several predictions of one task, made into one."""

from atdt.merge.merging import WAYS, Merging, merge

__all__ = ["WAYS", "Merging", "merge"]
