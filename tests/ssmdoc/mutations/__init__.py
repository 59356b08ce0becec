"""Real mistakes, planted into good documents: what is changed, and the lines on which it must be found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import ssmdoc
from ssmdoc import Parsed, references
from ssmdoc.findings import Path

DROP = object()


@dataclass(frozen=True)
class Planted:
    """A document's data with one mistake, and the paths at one of which it has to be found.

    What was dropped is looked for at its owner.
    """

    data: dict[str, Any]
    places: tuple[Path, ...]


@dataclass(frozen=True)
class Site:
    """A step of a good document: its data, its path, and all of the document."""

    document: dict[str, Any]
    step: dict[str, Any]
    path: Path

    @property
    def inputs(self) -> dict[str, Any]:
        return self.step.get("inputs") or {}

    @property
    def action(self) -> str:
        return str(self.step.get("action"))

    def plant(self, rest: Path, value: Any, *places: Path) -> Planted:
        """Change what stands at `rest` inside the step; it is found there unless `places` say where."""
        at = (*self.path, *rest)
        found = tuple((*self.path, *place) for place in places) or ((at[:-1] if value is DROP else at),)
        return Planted(changed(self.document, at, value), found)

    def rename(self, rest: Path, old: str, new: str) -> Planted:
        """Give a key of the map at `rest` inside the step another name."""
        return renamed(self.document, (*self.path, *rest), old, new)


Plan = Callable[[dict[str, Any]], Iterator[Planted]]


@dataclass
class Kinds:
    """The kinds of mistakes, by name, in the order in which they are written."""

    plans: dict[str, Plan] = field(default_factory=dict)

    def document(self, plan: Plan) -> Plan:
        """Register a kind that looks at a whole document."""
        self.plans[plan.__name__.strip("_").replace("_", "-")] = plan
        return plan

    def step(self, plan: Callable[[Site], Iterator[Planted]]) -> Callable[[Site], Iterator[Planted]]:
        """Register a kind that looks at one step after another."""

        def over(document: dict[str, Any]) -> Iterator[Planted]:
            for site in sites(document):
                yield from plan(site)

        self.plans[plan.__name__.strip("_").replace("_", "-")] = over
        return plan


def sites(document: dict[str, Any]) -> Iterator[Site]:
    """Every step, inner steps of loops included."""
    pending: list[tuple[list[Any], Path]] = [(document.get("mainSteps") or [], ("mainSteps",))]
    while pending:
        steps, path = pending.pop(0)
        for index, step in enumerate(steps):
            if isinstance(step, dict) and isinstance(step.get("inputs", {}), dict):
                yield Site(document, step, (*path, index))
                inner = (step.get("inputs") or {}).get("Steps")
                if step.get("action") == "aws:loop" and isinstance(inner, list):
                    pending.append((inner, (*path, index, "inputs", "Steps")))


def changed(data: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """Copy what stands on the way to `path`, and put `value` there; DROP removes it."""
    copy: dict[str, Any] = dict(data)
    here: Any = copy
    for key in path[:-1]:
        inner = here[key]
        here[key] = list(inner) if isinstance(inner, list) else dict(inner)
        here = here[key]
    if value is DROP:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return copy


def renamed(data: dict[str, Any], path: Path, old: str, new: str) -> Planted:
    """Give a key another name, in its place."""
    holder: Any = data
    for key in path:
        holder = holder[key]
    fresh = {new if key == old else key: value for key, value in holder.items()}
    return Planted(changed(data, path, fresh) if path else fresh, ((*path, new),))


def misspelt(word: str) -> str:
    """Swap two letters in the middle, as fingers do; a word of equal letters gets one more."""
    middle = max(1, len(word) // 2)
    swapped = word[: middle - 1] + word[middle : middle + 1] + word[middle - 1] + word[middle + 1 :]
    return swapped if swapped != word else word[:middle] + "q" + word[middle:]


def uses(document: dict[str, Any], kind: str, name: str = "") -> list[references.Reference]:
    """The references of one kind, by `name` if given, in everything but scripts and their like."""
    found = []
    for site in sites(document):
        for key, value in site.inputs.items():
            if key in {"Script", "TemplateBody", "Parameters", "UserData", "Payload", "input", "Steps"}:
                continue
            for item in references.find(value):
                if item.kind == kind and name in ("", item.name):
                    path = (*site.path, "inputs", key, *item.path)
                    found.append(_at(item, path))
    return found


def _at(item: references.Reference, path: Path) -> references.Reference:
    return references.Reference(
        item.expression, item.kind, item.name, item.output, item.text, item.whole, item.start, item.end, path
    )


def value_at(data: Any, path: Path) -> Any:
    """What stands at `path`."""
    for key in path:
        data = data[key]
    return data


def lines(parsed: Parsed, places: tuple[Path, ...]) -> set[int]:
    """The lines of the keys and values at `places`; of a map, also those of its name and its inputs."""
    found: set[int] = set()
    for place in places:
        for path in (place, *((*place, key) for key in ("name", "inputs", "Name", "type"))):
            holder = value_or_none(parsed.data, path)
            if path != place and holder is None:
                continue
            if parsed.root is not None:
                key, node = parsed.root.key_at(path), parsed.root.at(path)
                found |= {parsed.source.position(at)[0] for at in (key.start, node.start)}
                if isinstance(holder, str) and holder.count("\n"):
                    found |= set(
                        range(parsed.source.position(node.start)[0], parsed.source.position(node.end)[0] + 1)
                    )
    return found


def value_or_none(data: Any, path: Path) -> Any:
    """What stands at `path`, or None."""
    try:
        return value_at(data, path)
    except (KeyError, IndexError, TypeError):
        return None


@lru_cache(maxsize=256)
def _said(text: str) -> frozenset[tuple[str, str]]:
    return frozenset((finding.id, finding.message) for finding in ssmdoc.check(text))


def new_findings(before: str, after: str) -> list[ssmdoc.Finding]:
    """What is said of a text that was not said of the text before."""
    known = _said(before)
    return [finding for finding in ssmdoc.check(after) if (finding.id, finding.message) not in known]
