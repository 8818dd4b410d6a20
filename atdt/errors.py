"""Mistakes that a user can mend. Each message is one line: what is wrong, where, and what to do."""


class UserError(Exception):
    """A mistake of input or order of work; the command line prints it and exits with 2."""


class DomainError(UserError):
    """An image, label, list or description file that cannot be used."""


class NetworkError(UserError):
    """A network that cannot be built, cut or loaded."""


class RunError(UserError):
    """A run folder that is absent, incomplete, damaged or of another kind."""


class StoreError(UserError):
    """A feature store that is absent, incomplete, damaged or made by another plan."""


class MismatchError(UserError):
    """Features, networks or predictions that do not belong together."""


class NumericsError(UserError):
    """Values that cannot be stored or trained on: not finite, or out of a dtype's range."""


class ToldError(UserError):
    """What ends a rank of a training after another one has said what is wrong."""


class WorkerError(UserError):
    """A worker of a cluster that cannot take part: other software, files or devices than here."""


class PlaceError(UserError):
    """A URL that cannot be reached, or is refused by the object store behind it."""
