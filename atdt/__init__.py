"""atdt: learning across tasks and domains from cached features."""

__version__ = "0.1.0"
