"""Where the money comes from: funds, contributions, agreements and targets, the journal."""
