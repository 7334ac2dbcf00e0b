"""Taking back a contribution, or a repayment to a contributor, that was recorded wrongly."""
