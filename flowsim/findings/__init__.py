"""Findings: what numbers say, in sentences; names and number formats."""
