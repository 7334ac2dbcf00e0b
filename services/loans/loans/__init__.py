"""The loans: what was agreed, what was advanced, and their schedule."""
