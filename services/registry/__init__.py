"""Who exists: regions, organisations, their memberships over time, access keys."""
