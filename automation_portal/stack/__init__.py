"""The supervisor: starts every process of one instance, keeps them running, stops them all.

It imports nothing but the standard library and this package, so that it starts at once and stays small; what
needs Django happens in a process of its own (`prepare`).
"""
