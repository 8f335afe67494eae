"""Reporting: what leaves the app: the gate in CI, the report, the dashboard's history."""
