"""What will not come back, and what comes back after all: write-offs, recoveries; reversals."""
