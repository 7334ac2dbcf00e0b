"""Access keys: made at random, shown once, kept hashed, expiring, revocable at once."""
