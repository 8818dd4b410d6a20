"""Phase 3: predictions of a task on a domain, by E1, G and D2, or by a task network alone."""

from atdt.decode.config import Decoding, Prediction
from atdt.decode.decode import decode
from atdt.decode.decoder_bn import DecoderAdaptation, adapt_decoder
from atdt.decode.predict import predict

__all__ = ["DecoderAdaptation", "Decoding", "Prediction", "adapt_decoder", "decode", "predict"]
