"""Scores that say, without a T2 label of B, how well a G will do there."""
