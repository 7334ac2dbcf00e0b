"""Months that are closed, as the loans service told: no fact of a contributor is dated in one."""
