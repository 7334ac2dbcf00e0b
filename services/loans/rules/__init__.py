"""What the network finds wrong or odd in a fact or a month: rules that are data."""
