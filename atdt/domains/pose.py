"""How the camera of a sample's image stands, for whoever moves pixels by it."""

from atdt.domains.cameras import Mount, Pose
from atdt.domains.domain import Domain
from atdt.domains.views import ViewPlan
from atdt.errors import DomainError


def pose(domain: Domain, index: int) -> Pose:
    """Of a sample's camera.

    Raises:
        DomainError: focal length or [mount] is unknown.
    """
    return Pose(known_focal(domain, index), known_mount(domain))


def pose_for(plan: ViewPlan, domain: Domain, index: int) -> Pose | None:
    """What drawing views of a sample's image needs: nothing, unless heights are drawn too.

    Raises:
        DomainError: see `pose`.
    """
    return None if plan.stretch == 1 else pose(domain, index)


def known_mount(domain: Domain) -> Mount:
    """How the domain's camera stands.

    Raises:
        DomainError: it is unknown.
    """
    mount = domain.description.mount
    if mount is None:
        raise DomainError(
            f"{domain.path}: how its camera stands is unknown: write [mount] with height (metres) "
            "and pitch (degrees, positive looks down) into it"
        )
    return mount


def known_focal(domain: Domain, index: int) -> float:
    """Focal length of a sample's camera, in pixels.

    Raises:
        DomainError: it is unknown.
    """
    focal = domain.focal(index)
    if focal is None:
        raise DomainError(
            f"{domain.path}: the focal length is unknown: write `focal` or `fov` into it"
        )
    return focal
