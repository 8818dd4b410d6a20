"""Phase 1: features of frozen encoders, from images of a domain to a feature store."""

from atdt.extract.config import Extraction
from atdt.extract.extraction import extract
from atdt.extract.plan import ExtractionPlan, plan_extraction
from atdt.extract.requests import Prices

__all__ = ["Extraction", "ExtractionPlan", "Prices", "extract", "plan_extraction"]
