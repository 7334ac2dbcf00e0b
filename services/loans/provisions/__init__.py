"""Provisions: what is set aside for loans that may not be repaid, by a matrix that is data."""
