"""Settings: YAML in `conf/`, typed and frozen; default < scale < file < command line.

`conf/DATASET/base.yaml` holds every default; `conf/DATASET/SCALE.yaml` only what differs. A file of the user's own
holds a part for each dataset (`pharmacy: {members: 5000}`). Wherever it is written, a part whose names are settings
changes those that it gives, and a mapping of names of the user's own, as of shares and weights, is given whole. An
option's dotted name changes one entry of such a mapping: `population.sex.F`, `diagnosis_procedures."Z00.00"`.
`population` is the name of a file in `conf/populations`, or what such a file holds.
"""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from payerlake.contract.population import Population
from payerlake.contract.setting_types import Frozen
from payerlake.errors import BadInput, unknown
from payerlake.resources import members, resource

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_FLAGS = ("members", "seed")  # settings that are options of the command line themselves
MOST_MEMBERS = 10**12  # ids that are made of a member's key and a few digits more stay far below 2^63
_MERGE = "tag:yaml.org,2002:merge"  # of the key `<<`: it brings the keys of another mapping and is none itself


class DatasetSettings(Frozen):
    """What every dataset has: the base of its own settings.

    known_at: the day on which somebody looks: what happens later is not in the data. None: everything is.
    members_per_file: of the tables that follow the members, each by its name. partition_by: columns that split a table
    into folders, by its name.
    """

    dataset: ClassVar[str]
    told: ClassVar[tuple[int, int]] = (0, 120)  # ages of those whom it tells of where the population is everybody
    members: int = Field(gt=0, le=MOST_MEMBERS)
    seed: int
    population: Population
    known_at: datetime.date | None = None
    members_per_file: Frozen
    partition_by: dict[str, list[str]]

    @property
    def ages(self) -> tuple[int, int]:
        """The first and the last age in years of those whom the dataset tells of."""
        first, last = self.population.bands[0][0], self.population.bands[-1][1]
        return (max(first, self.told[0]), min(last, self.told[1])) if self.population.in_common else (first, last)

    @model_validator(mode="after")
    def _is_known_within_the_data(self) -> DatasetSettings:
        first, last = self.days
        if self.known_at is not None and not first <= self.known_at <= last:
            allowed = f"up to {last}" if first == datetime.date.min else f"{first} to {last}"
            raise ValueError(f"known_at: {self.known_at} is not within the data; allowed: {allowed}, null for all")
        return self

    @property
    def days(self) -> tuple[datetime.date, datetime.date]:
        """The first and the last day that `known_at` can be: on the last everything is known."""
        return datetime.date.min, self.population.as_of

    @property
    def seen_on(self) -> datetime.date:
        """The day as of which the data are: `known_at`, the population's at the latest."""
        return min(self.known_at or self.population.as_of, self.population.as_of)


class _Layer(NamedTuple):
    """Where settings were written, and what; of a dotted name its parts."""

    where: str
    values: dict[str, Any]
    path: tuple[str, ...] = ()


S = TypeVar("S", bound=DatasetSettings)
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
    model: type[S],
    scale: str | None = None,
    file: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> S:
    """The effective settings of the dataset whose settings are of `model`.

    options: values by dotted name, over the file's. Raises BadInput for a file that is no YAML, a key given twice, an
    unknown key (with the nearest name) or a value that its type refuses; the message names where it stands.
    """
    layers = [_dataset_layer(model.dataset, "base")]
    if scale is not None:
        layers.append(_scale_layer(model.dataset, scale))
    if file is not None:
        layers.append(_user_layer(model.dataset, Path(file)))
    layers += (_option(name, value) for name, value in (options or {}).items())
    merged: dict[str, Any] = {}
    for layer in layers:
        if isinstance(layer.values.get("population"), str):
            merged.pop("population", None)  # a population by name is another one, not a change of this one
        values = _expand_population(layer.where, layer.values)
        _check_keys(layer.where, values, model)
        merged = _merge(merged, values, model, layer.path)
    return _validated(model, merged, layers)


def scales(dataset: str) -> list[str]:
    """The names that `--scale` takes for this dataset."""
    return [name for name in members(resource("conf", dataset), ".yaml") if name != "base"]


def set_option(model: type[DatasetSettings], text: str) -> tuple[str, Any]:
    """Name and value of one `--set key=value`; the key may have dots, the value is read as YAML.

    Raises BadInput for another form, and for a name that is none of the dataset's.
    """
    key, equals, value = text.partition("=")
    name = key.strip()
    if not equals or not name:
        raise BadInput(f"--set {text}: not of the form key=value, for example --set members=5000")
    if (first := _path(name)[0]) not in model.model_fields:
        raise unknown(f"--set {name}", "a setting", first, model.model_fields)
    return name, _parse(f"--set {text}", value)


def _option(name: str, value: Any) -> _Layer:
    path = _path(name)
    return _Layer(f"--{name}" if name in _FLAGS else f"--set {name}", _nested(path, value), path)


def _path(name: str) -> tuple[str, ...]:
    """The parts of a dotted name; one that has a dot in it stands between double quotes."""
    try:
        return tuple(next(csv.reader([name], delimiter="."))) or (name,)
    except csv.Error:  # a name of several lines, or endless: no setting has such a one
        return (name,)


def effective(settings: BaseModel) -> dict[str, Any]:
    """The settings as plain values, for the manifest."""
    return settings.model_dump(mode="json")


def departures(model: type[DatasetSettings], stored: Mapping[str, Any]) -> frozenset[str]:
    """The settings, by dotted name, that are not as in `conf/DATASET/base.yaml`. stored: as the manifest has them."""
    stated, given = (json.loads(json.dumps(of)) for of in (effective(load(model)), stored))
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


def _dataset_layer(dataset: str, name: str) -> _Layer:
    path = resource("conf", dataset, f"{name}.yaml")
    return _Layer(f"conf/{dataset}/{name}.yaml", read_yaml(path))


def _scale_layer(dataset: str, scale: str) -> _Layer:
    if scale not in scales(dataset):
        raise unknown("--scale", f"a scale of {dataset}", scale, scales(dataset))
    return _dataset_layer(dataset, scale)


def _user_layer(dataset: str, path: Path) -> _Layer:
    values, known = read_yaml(path), _datasets()
    for key, part in values.items():
        if key not in known:
            raise unknown(str(path), "a dataset", str(key), known)
        if not isinstance(part, dict):
            raise BadInput(f"{path}: {key}: {part!r} is not a mapping of settings; write them indented below it")
    return _Layer(f"{path}: {dataset}", values.get(dataset, {}))


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


def _check_keys(where: str, values: Mapping[str, Any], annotation: Any, above: str = "") -> None:
    for key, value in values.items():
        name, inner = f"{above}{key}", _below(annotation, key)
        if _is_model(annotation) and key not in annotation.model_fields:
            raise unknown(where, "a setting", name, [above + known for known in annotation.model_fields])
        if isinstance(value, dict):
            _check_keys(where, value, inner, f"{name}.")
        elif _is_model(inner):
            raise BadInput(f"{where}: {name}: {value!r} is not a mapping; allowed: {', '.join(inner.model_fields)}")
        elif isinstance(value, bool) and inner is not bool:  # pydantic would take it for 1 or 0
            raise BadInput(f"{where}: {name}: {str(value).lower()} is neither a number nor a text; give one")


def _below(annotation: Any, key: str) -> Any:
    """The type of what stands under this key, in settings or in a mapping of a user's own names."""
    if _is_model(annotation):
        return annotation.model_fields[key].annotation if key in annotation.model_fields else None
    return (None, *get_args(annotation))[-1]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _merge(below: dict[str, Any], above: Mapping[str, Any], annotation: Any, path: Sequence[str]) -> dict[str, Any]:
    """The settings below with those above: one by one; a mapping of a user's own names whole, but where the path leads
    into it."""
    merged = dict(below)
    for given, value in above.items():
        key = given if _is_model(annotation) else _as_below(below, given)
        old, inner = merged.get(key), _below(annotation, key)
        within = _is_model(inner) or len(path) > 1
        both = within and isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merge(merged[key], value, inner, path[1:]) if both else value
    return merged if _is_model(annotation) else _in_order(merged)


def _in_order(mapping: dict[Any, Any]) -> dict[Any, Any]:
    """The mapping, by rising numbers where its keys are such: an entry that is new has its place among the others."""
    return dict(sorted(mapping.items())) if all(isinstance(key, int) for key in mapping) else mapping


def _as_below(below: Mapping[Any, Any], key: Any) -> Any:
    """The key as the mapping has its own: an option's names are texts, and those of ages are numbers."""
    numbers = bool(below) and all(isinstance(known, int) for known in below)
    return int(key) if numbers and str(key).isdecimal() else key


def _nested(path: Sequence[str], value: Any) -> dict[str, Any]:
    return {path[0]: value if len(path) == 1 else _nested(path[1:], value)}


def _validated(model: type[S], merged: dict[str, Any], layers: list[_Layer]) -> S:
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = [str(part) for part in first["loc"] if part != "[key]"]  # a key that its type refuses
        message = first["msg"].removeprefix("Value error, ")
        given = first["input"]
        shown = f": {given!r}" if not isinstance(given, (dict, BaseModel)) else ""
        message = message.replace("Input should be", "must be").partition(", unable to parse")[0]
        where, key = _written_in(layers, path, model), ".".join(path)
        if not key:  # settings that do not go together, which the message names
            raise BadInput(f"settings: {message}") from None
        place = where if where in (f"--{key}", f"--set {key}") else f"{where}: {key}"
        raise BadInput(f"{place}{shown}: {message}") from None


def _written_in(layers: list[_Layer], path: list[str], model: type[BaseModel]) -> str:
    """Where the value at this path was last written; of a missing value, where the part was that lacks it."""
    for length in range(len(path), 0, -1):
        for layer in layers[::-1]:
            if _wrote(layer, path[:length], model):
                return layer.where
    return layers[0].where


def _wrote(layer: _Layer, path: list[str], model: type[BaseModel]) -> bool:
    """Whether the layer has a value at this path, or gave the mapping whole that lacks it."""
    values: Any = _expand_population(layer.where, layer.values)
    annotation: Any = model
    whole = False
    for depth, part in enumerate(path):
        key = next((key for key in values if str(key) == part), None) if isinstance(values, dict) else None
        if key is None:
            return whole
        whole = whole or (not _is_model(annotation) and depth >= len(layer.path))
        values, annotation = values[key], _below(annotation, key)
    return True
