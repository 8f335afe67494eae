"""Error analysis: where evidence was lost, what would bring it back, and whether that held."""
