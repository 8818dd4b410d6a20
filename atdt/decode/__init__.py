"""Phase 3: predictions of a task on a domain, by E1, G and D2, or by a task network alone."""

from atdt.decode.config import Decoding, Prediction
from atdt.decode.decode import decode
from atdt.decode.predict import predict

__all__ = ["Decoding", "Prediction", "decode", "predict"]
