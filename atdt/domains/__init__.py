"""What images and labels are: lists, file formats, label spaces, and views of them."""

from atdt.domains.domain import Domain
from atdt.domains.labels import IGNORE, LabelSpace, label_space, label_space_names
from atdt.domains.lists import LABEL_KINDS, Sample
from atdt.domains.opening import absolute_spec, open_domain
from atdt.domains.photometric import ColourDraw
from atdt.domains.view import View
from atdt.domains.views import ViewPlan

__all__ = [
    "IGNORE",
    "LABEL_KINDS",
    "ColourDraw",
    "Domain",
    "LabelSpace",
    "Sample",
    "View",
    "ViewPlan",
    "absolute_spec",
    "label_space",
    "label_space_names",
    "open_domain",
]
