"""What became of the enterprises: status, jobs, turnover, other financing."""
