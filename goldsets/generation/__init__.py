"""Generative benchmarking: passages worth a query, queries written for them, filters, review."""
