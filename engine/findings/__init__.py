"""Sentences about what is wrong, each with its evidence: pure functions of a snapshot."""
