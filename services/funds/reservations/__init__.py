"""Money set aside for a loan that is being disbursed: reserve, then post or void."""
