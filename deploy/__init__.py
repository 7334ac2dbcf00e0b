"""Running the federation: one machine with an embedded PostgreSQL, and the command line."""
