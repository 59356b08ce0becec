"""What `make` does before the portal's own code can run. Standard library only."""
