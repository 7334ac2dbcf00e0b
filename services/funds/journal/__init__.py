"""The double-entry journal of each fund."""
