"""The face of Pizza Night: thin pages over the two packages."""
