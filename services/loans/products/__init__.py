"""Products: what the network lends under, version after version, and how a loan departs from it."""
