"""What a store says of its features before, or beside, a transfer."""

from atdt.diagnose.embeddings import Embedding, embed

__all__ = ["Embedding", "embed"]
