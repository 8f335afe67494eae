"""Models: one file each, imported only when a stage asks for it."""
