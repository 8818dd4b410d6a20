"""Phase 1: features of frozen encoders, from images of a domain to a feature store."""

from atdt.extract.config import Extraction
from atdt.extract.estimate import ExtractionEstimate
from atdt.extract.extraction import extract, plan_extraction

__all__ = ["Extraction", "ExtractionEstimate", "extract", "plan_extraction"]
