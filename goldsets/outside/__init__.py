"""Retrieval from outside: runs that others made, and retrievers of their own behind a URL."""
