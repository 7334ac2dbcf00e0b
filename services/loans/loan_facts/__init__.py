"""What happens to a loan after its contract, but for repayments: one fact at a time."""
