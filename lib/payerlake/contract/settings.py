"""Settings: YAML in `conf/`, typed and frozen; default < scale < file < command line.

`conf/DATASET/base.yaml` holds every default; `conf/DATASET/SCALE.yaml` only what differs. A file of the user's own
holds a part for each dataset (`pharmacy: {members: 5000}`). A mapping of shares or weights is replaced whole by a file,
entry by entry by the command line. `population` is the name of a file in `conf/populations`, or what such a file holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError

from payerlake.contract.population import Population
from payerlake.contract.setting_types import Frozen
from payerlake.errors import BadInput, unknown
from payerlake.resources import members, resource

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

Layer = tuple[str, dict[str, Any]]  # where it was written, and what

MOST_MEMBERS = 10**12  # ids that are made of a member's key and a few digits more stay far below 2^63
_MERGE = "tag:yaml.org,2002:merge"  # of the key `<<`: it brings the keys of another mapping and is none itself


class DatasetSettings(Frozen):
    """What every dataset has: the base of its own settings.

    members_per_file: of the tables that follow the members, each by its name. partition_by: columns that split a table
    into folders, by its name.
    """

    dataset: ClassVar[str]
    members: int = Field(gt=0, le=MOST_MEMBERS)
    seed: int
    population: Population
    members_per_file: Frozen
    partition_by: dict[str, list[str]]


S = TypeVar("S", bound=BaseModel)
T = TypeVar("T")
_REMEMBERED = 8


def solved_once(*parts: str) -> Callable[[Callable[[S], T]], Callable[[S], T]]:
    """A function of settings that gives for the same of these parts, on which alone it depends, what it gave before."""

    def decorate(solve: Callable[[S], T]) -> Callable[[S], T]:
        found: dict[str, T] = {}
        lock = RLock()  # tables are built by threads

        @wraps(solve)
        def once(settings: S) -> T:
            key = settings.model_dump_json(include=set(parts))
            with lock:
                if key not in found:
                    if len(found) == _REMEMBERED:
                        del found[next(iter(found))]
                    found[key] = solve(settings)
                return found[key]

        return once

    return decorate


def load(
    dataset: str,
    model: type[BaseModel],
    scale: str | None = None,
    file: str | Path | None = None,
    overrides: Iterable[Layer] = (),
) -> Any:
    """The effective settings of a dataset, an instance of `model`.

    overrides: layers after the file, as `set_option` and `option` make them. Raises BadInput for a file that is no
    YAML, a key given twice, an unknown key (with the nearest name) or a value that its type refuses; the message names
    where it stands.
    """
    layers = [_dataset_layer(dataset, "base")]
    if scale is not None:
        layers.append(_scale_layer(dataset, scale))
    if file is not None:
        layers.append(_user_layer(dataset, Path(file)))
    layers.extend(overrides)
    merged: dict[str, Any] = {}
    for where, written in layers:
        if isinstance(written.get("population"), str):
            merged.pop("population", None)  # a population by name is another one, not a change of this one
        values = _expand_population(where, written)
        _check_keys(where, values, model)
        merged = _merge(merged, values, model, whole_mappings=not where.startswith("--"))
    return _validated(model, merged, layers)


def scales(dataset: str) -> list[str]:
    """The names that `--scale` takes for this dataset."""
    return [name for name in members(resource("conf", dataset), ".yaml") if name != "base"]


def set_option(text: str) -> Layer:
    """The layer of one `--set key=value`; the key may have dots, the value is read as YAML."""
    key, equals, value = text.partition("=")
    where = f"--set {text}"
    if not equals or not key.strip():
        raise BadInput(f"{where}: not of the form key=value, for example --set members=5000")
    return where, _nested(key.strip().split("."), _parse(where, value))


def option(name: str, value: Any) -> Layer:
    """The layer of a command-line option that is a setting of its own, such as `--members`."""
    return f"--{name}", {name: value}


def effective(settings: BaseModel) -> dict[str, Any]:
    """The settings as plain values, for the manifest."""
    return settings.model_dump(mode="json")


def departures(dataset: str, model: type[BaseModel], stored: Mapping[str, Any]) -> frozenset[str]:
    """The settings, by dotted name, that are not as in `conf/DATASET/base.yaml`. stored: as the manifest has them."""
    stated, given = (json.loads(json.dumps(of)) for of in (effective(load(dataset, model)), stored))
    return frozenset(_differing(stated, given))


def _differing(stated: Mapping[str, Any], given: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name in stated.keys() | given.keys():
        one, other = stated.get(name), given.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differing(one, other, f"{above}{name}.")
        elif one != other or (name in stated) != (name in given):
            yield f"{above}{name}"


def read_yaml(path: Traversable) -> dict[str, Any]:
    """The mapping that a YAML file holds; BadInput names file and line where it is none or has a key twice."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror or error}); give the path of a YAML file") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not UTF-8 text; save it as UTF-8") from None
    values = _parse(str(path), text)
    if not isinstance(values, dict):
        raise BadInput(f"{path}: holds {type(values).__name__}, not settings; write 'key: value' lines")
    return values


def _parse(where: str, text: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except _KeyTwice as error:
        raise BadInput(f"{where}, {error}; keep one of the two") from None
    except RecursionError:
        raise BadInput(f"{where}: nested too deeply to be settings; write 'key: value' lines") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not readable"
        raise BadInput(f"{where}{line}: not valid YAML ({problem}); check indentation, colons and brackets") from None
    except ValueError as error:  # what looks like a date and is none, such as 2024-02-30
        raise BadInput(f"{where}: not valid YAML ({error}); check the dates") from None


class _KeyTwice(Exception):
    """A mapping gives a key a second time."""


class _Loader(yaml.SafeLoader):
    """YAML's plain values, but a key given twice is an error: YAML demands it, PyYAML takes the last one."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """The mapping as it is written, before `<<` merges others into it. Raises _KeyTwice."""
        node = super().compose_mapping_node(anchor)
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == _MERGE:
                continue
            key, line = self.construct_object(key_node), key_node.start_mark.line + 1
            if key in lines:
                raise _KeyTwice(f"line {line}: {key!r} is given already, in line {lines[key]}")
            lines[key] = line
        return node


def _dataset_layer(dataset: str, name: str) -> Layer:
    path = resource("conf", dataset, f"{name}.yaml")
    return f"conf/{dataset}/{name}.yaml", read_yaml(path)


def _scale_layer(dataset: str, scale: str) -> Layer:
    if scale not in scales(dataset):
        raise unknown("--scale", f"a scale of {dataset}", scale, scales(dataset))
    return _dataset_layer(dataset, scale)


def _user_layer(dataset: str, path: Path) -> Layer:
    values, known = read_yaml(path), _datasets()
    for key, part in values.items():
        if key not in known:
            raise unknown(str(path), "a dataset", str(key), known)
        if not isinstance(part, dict):
            raise BadInput(f"{path}: {key}: {part!r} is not a mapping of settings; write them indented below it")
    return f"{path}: {dataset}", values.get(dataset, {})


def _datasets() -> list[str]:
    """The datasets that have defaults."""
    folders = (folder for folder in resource("conf").iterdir() if (folder / "base.yaml").is_file())
    return sorted(folder.name for folder in folders)


def _expand_population(where: str, values: dict[str, Any]) -> dict[str, Any]:
    name = values.get("population")
    if not isinstance(name, str):
        return values
    known = members(resource("conf", "populations"), ".yaml")
    if name not in known:
        raise unknown(f"{where}: population", "a population", name, known)
    return values | {"population": read_yaml(known[name])}


def _check_keys(where: str, values: Mapping[str, Any], model: type[BaseModel], prefix: str = "") -> None:
    for key, value in values.items():
        if key not in model.model_fields:
            known = [prefix + name for name in model.model_fields]
            raise unknown(where, "a setting", f"{prefix}{key}", known)
        entry = _model_of_entries(model, key)
        if entry is not None and isinstance(value, dict):
            for name, part in value.items():
                _check_part(where, part, entry, f"{prefix}{key}.{name}")
        inner = _model_of(model, key)
        if inner is not None:
            _check_part(where, value, inner, f"{prefix}{key}")


def _check_part(where: str, part: Any, model: type[BaseModel], key: str) -> None:
    if not isinstance(part, dict):
        raise BadInput(f"{where}: {key}: {part!r} is not a mapping; allowed: {', '.join(model.model_fields)}")
    _check_keys(where, part, model, f"{key}.")


def _model_of_entries(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The model of each entry where the setting is a mapping of names to parts, as `seasons.events` is."""
    entry = (None, *get_args(model.model_fields[key].annotation))[-1]
    return entry if isinstance(entry, type) and issubclass(entry, BaseModel) else None


def _model_of(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    annotation = model.model_fields[key].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _merge(below: dict, above: Mapping, model: type[BaseModel], whole_mappings: bool) -> dict:
    merged = dict(below)
    for key, value in above.items():
        inner = _model_of(model, key)
        old = merged.get(key)
        if inner is not None and isinstance(old, dict):
            merged[key] = _merge(old, value, inner, whole_mappings)
        elif isinstance(old, dict) and isinstance(value, dict) and not whole_mappings:
            merged[key] = _merge_plain(old, value)
        else:
            merged[key] = value
    return merged


def _merge_plain(below: dict, above: dict) -> dict:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(merged.get(key), dict) and isinstance(value, dict)
        merged[key] = _merge_plain(merged[key], value) if both else value
    return merged


def _nested(path: list[str], value: Any) -> dict[str, Any]:
    return {path[0]: value if len(path) == 1 else _nested(path[1:], value)}


def _validated(model: type[BaseModel], merged: dict[str, Any], layers: list[Layer]) -> Any:
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = [str(part) for part in first["loc"] if part != "[key]"]  # a key that its type refuses
        message = first["msg"].removeprefix("Value error, ")
        given = first["input"]
        shown = f": {given!r}" if not isinstance(given, (dict, BaseModel)) else ""
        message = message.replace("Input should be", "must be").partition(", unable to parse")[0]
        where, key = _written_in(layers, path), ".".join(path)
        if not key:  # settings that do not go together, which the message names
            raise BadInput(f"settings: {message}") from None
        place = where if where == f"--{key}" else f"{where}: {key}"
        raise BadInput(f"{place}{shown}: {message}") from None


def _written_in(layers: list[Layer], path: list[str]) -> str:
    """Where the value at this path was last written; of a missing value, where the part was that lacks it."""
    for length in range(len(path), 0, -1):
        for where, values in reversed(layers):
            if _holds(_expand_population(where, values), path[:length]):
                return where
    return layers[0][0]


def _holds(values: Any, path: list[str]) -> bool:
    for part in path:
        if not isinstance(values, dict) or part not in {str(key) for key in values}:
            return False
        values = next(value for key, value in values.items() if str(key) == part)
    return True
