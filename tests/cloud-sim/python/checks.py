"""Counts what held and what did not, and which parameters and answer fields were exercised."""

from __future__ import annotations

import inspect
import typing


class Checks:
    """The tally of one client."""

    def __init__(self, client: str):
        self.client = client
        self.passed = 0
        self.failures: list[str] = []
        self.sent: dict[str, set[str]] = {}

    def equal(self, what: str, found, wanted) -> None:
        if found == wanted:
            self.passed += 1
        else:
            self.failures.append(f"[{self.client}] {what}: found {found!r}, wanted {wanted!r}")

    def holds(self, what: str, condition: bool) -> None:
        self.equal(what, bool(condition), True)

    def fields(self, what: str, answer: dict, wanted: dict) -> None:
        """Every wanted field of an answer has the wanted value."""
        for name, value in wanted.items():
            self.equal(f"{what}: {name}", answer.get(name), value)

    def sends(self, action: str, parameters: dict) -> None:
        self.sent.setdefault(action, set()).update(parameters)


def unread(model: type, answer: dict, module, place: str) -> list[str]:
    """Fields of a raw answer that the client's model does not know, or knows with another type."""
    problems: list[str] = []
    instance = model()
    instance.from_map(answer)
    read = instance.to_map()
    types = field_types(model, module)
    for name, value in answer.items():
        here = f"{place}.{name}"
        if name not in types:
            problems.append(f"{here} is not known to the client")
            continue
        if name not in read and value not in ("", None, [], {}):
            problems.append(f"{here} is not read by the client")
        problems += wrong_type(types[name], value, module, here)
    return problems


def field_types(model: type, module) -> dict[str, object]:
    """Wire names of a model's fields with their types, from its constructor and its to_map."""
    hints = typing.get_type_hints(model.__init__, vars(inspect.getmodule(model)))
    types = {}
    for attribute, kind in hints.items():
        sample = model()
        sentinel = _Sentinel()
        try:
            setattr(sample, attribute, [sentinel] if typing.get_origin(kind) is list else sentinel)
            mapped = sample.to_map()
        except Exception:  # the model may do anything with a value of no type it knows
            continue
        # A list is in the map even when it is another attribute that has a value.
        types.update({name: kind for name, value in mapped.items() if value is sentinel or value not in ([], None)})
    return types


class _Sentinel:
    def to_map(self):
        return {}

    def validate(self):
        return None


def wrong_type(kind, value, module, place: str) -> list[str]:
    origin = typing.get_origin(kind)
    if origin is list:
        if not isinstance(value, list):
            return [f"{place} is not a list"]
        (item,) = typing.get_args(kind)
        return [problem for at, one in enumerate(value) for problem in wrong_type(item, one, module, f"{place}[{at}]")]
    if inspect.isclass(kind) and hasattr(kind, "from_map"):
        return unread(kind, value, module, place) if isinstance(value, dict) else [f"{place} is not an object"]
    if kind is float:
        kind = (int, float)
    if kind in (str, int, bool) and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        return [f"{place} is {type(value).__name__}, the client has {kind.__name__}"]
    return []
