"""Retrieval pipelines as values: ingest a corpus, search it, share every equal stage."""
