"""Where a loan stands on a date, and the figures kept beside its facts."""
