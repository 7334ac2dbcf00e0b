"""Taking a fact out as if it had never been posted; both stay on record, with the reason."""
