"""The organisations of the network, their former names and their memberships over time."""
