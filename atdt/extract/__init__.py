"""Phase 1: features of frozen encoders, from images of a domain to a feature store."""

from atdt.extract.config import Extraction
from atdt.extract.extraction import extract
from atdt.extract.plan import ExtractionPlan, plan_extraction

__all__ = ["Extraction", "ExtractionPlan", "extract", "plan_extraction"]
