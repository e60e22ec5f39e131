"""Experiments: running scenarios, once or many times, on one core or many machines."""
