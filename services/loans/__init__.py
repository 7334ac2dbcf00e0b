"""What happens: borrowers, loans, repayments, coaching, outcomes, imports, totals."""
