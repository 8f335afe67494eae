"""Query: first stage, fuse, assemble."""
