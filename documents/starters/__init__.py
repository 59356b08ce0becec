"""Texts that a new document may begin as."""

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Starter:
    """One text to begin with."""

    title: str
    file: str
    format: str

    @property
    def text(self) -> str:
        """The text as it stands in its file."""
        return (files(__package__) / self.file).read_text(encoding="utf-8")


ALL = {
    "blank": Starter("An empty outline (YAML)", "blank.yaml", "YAML"),
    "blank-json": Starter("An empty outline (JSON)", "blank.json", "JSON"),
    "launch": Starter("Launch a tagged EC2 instance (YAML)", "launch-instance.yaml", "YAML"),
}
