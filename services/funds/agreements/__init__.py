"""Agreements between the network and its funders: targets, obligations, payments."""
