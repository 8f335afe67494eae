"""Labelling: an evening on which a team judges passages, and what follows from its labels."""
