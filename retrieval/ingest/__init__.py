"""Ingest: read, parse, chunk, contextualize, embed and count."""
