"""Measurements of the portal's parts, each a module to run with `python -m`."""
