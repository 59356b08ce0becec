"""What exists in the account of a trial: made when a document needs it, through the API like everything."""

from sandbox.trial.world.things import Thing, World

__all__ = ["Thing", "World"]
