"""The administrative regions of Québec, by official code."""
