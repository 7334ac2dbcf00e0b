"""One fund per organisation: its document, its balance on any date."""
