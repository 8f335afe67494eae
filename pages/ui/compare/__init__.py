"""What Compare is made of: the choice, the summary, one view after another, an opened query."""
