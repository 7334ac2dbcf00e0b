"""The coaching of borrowers, before and after the loan."""
