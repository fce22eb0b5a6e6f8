"""Records: what crosses with names, as plain classes with slots.

A generated class lists its fields in ``__slots__``, and has an ``__init__`` of its own. What it
has besides is here, and what tools for data classes ask of a class is made when one asks.
"""

from __future__ import annotations

import copyreg
import operator
import reprlib
import sys
import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import os

    from typing_extensions import Self, dataclass_transform

    Path = str | os.PathLike[str]
else:
    Path = str

    def dataclass_transform(**options: Any) -> Any:
        """Return what gives a class back as it is: only type checkers read it."""
        return lambda cls: cls


set_field = object.__setattr__
"""Sets a field of a record that is being made, also of one that cannot be changed."""


_FRESH: dict[str, Any] = {"list": list, "map": dict}
"""What a field of these kinds is that nobody gives: a new one for each record."""


class _MadeWhenAsked:
    """Gives a class of records what ``dataclasses`` knows of one, once somebody asks."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, record: object, cls: Any) -> Any:
        of = _fields_in(cls)
        if of is None:
            raise AttributeError(self._name)  # of a base, which is no data class
        if self._name not in of.__dict__:
            _tell_dataclasses(of)
        return of.__dict__[self._name]


def _fields_in(cls: Any) -> Any:
    """Return the class that has the fields, of which a user's may be a subclass."""
    of = (each for each in cls.__mro__ if "_kinds" in each.__dict__ and each is not BaseRecord)
    return next(of, None)


def _tell_dataclasses(cls: Any) -> None:
    import dataclasses  # late: few ask, and it takes milliseconds

    defaults = _defaults_in(cls)

    def field(name: str) -> Any:
        if name not in defaults:
            return dataclasses.field()
        if defaults[name] is None and cls._kinds[name] in _FRESH:
            return dataclasses.field(default_factory=_FRESH[cls._kinds[name]])
        return dataclasses.field(default=defaults[name])

    model: Any = dataclasses.make_dataclass(
        cls.__name__,
        [(name, cls.__annotations__[name], field(name)) for name in cls._kinds],
        frozen=issubclass(cls, FrozenRecord),
    )
    cls.__dataclass_params__ = model.__dataclass_params__
    cls.__dataclass_fields__ = model.__dataclass_fields__


def defaults_of(function: Any) -> dict[str, Any]:
    """Return what parameters are without arguments; inspect would be a tenth of the start."""
    values = function.__defaults__ or ()
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
    return defaults | (function.__kwdefaults__ or {})


def _defaults_in(cls: Any) -> dict[str, Any]:
    """Return what fields are that nobody gives; None for a new list or dict."""
    return defaults_of(cls.__init__) if cls._kinds else {}


def _names_in(cls: Any) -> dict[str, str]:
    """Return the fields that a class of another library declares, and their attributes."""
    if hasattr(cls, "__attrs_attrs__"):
        return {
            getattr(each, "alias", None) or each.name: each.name for each in cls.__attrs_attrs__
        }
    for mark in ("__pydantic_fields__", "__struct_fields__"):
        if hasattr(cls, mark):
            return {name: name for name in getattr(cls, mark)}
    known: dict[str, Any] = getattr(cls, "__dataclass_fields__", {})
    return {name: name for name, each in known.items() if each._field_type.name == "_FIELD"}


_readers: weakref.WeakKeyDictionary[type, dict[type, _Reader]] = weakref.WeakKeyDictionary()


class _Reader:
    """Takes the fields of records of one class from the objects of another library's class."""

    def __init__(self, record: Any, of: type) -> None:
        declared = _names_in(of)
        self._names: tuple[str, ...] = record.__match_args__
        self._of = of.__name__
        self._record = record.__name__
        self._unknown = sorted(declared.keys() - set(self._names))
        # A method or constant of the class with the name of a field is no field.
        self._attributes = [
            (name, declared.get(name, name), name in declared)
            for name in self._names
            if name in declared or _may_be_read(of, name)
        ]

    def read(self, value: Any) -> dict[str, Any] | str:
        """Return the fields, or why the object does not fit."""
        unknown = self._unknown or sorted(
            (getattr(value, "__pydantic_extra__", None) or {}).keys() - set(self._names)
        )
        if unknown:
            return (
                f"{self._of} has a field {unknown[0]!r} that {self._record} has not; it has "
                f"{', '.join(self._names)}"
            )
        found = {}
        for name, attribute, is_declared in self._attributes:
            try:
                found[name] = getattr(value, attribute)
            except AttributeError:
                if hasattr(getattr(type(value), attribute, None), "fget"):
                    raise  # a property's own
                if is_declared:
                    return f"the field {name!r} of {self._of} is not set"
        return found


def _may_be_read(of: type, name: str) -> bool:
    """Tell whether objects of a class may have an attribute that is no method of it or constant."""
    missing = object()
    found = next((each.__dict__[name] for each in of.__mro__ if name in each.__dict__), missing)
    return found is missing or (hasattr(type(found), "__get__") and not callable(found))


class BaseRecord:
    """Values with names that cross the boundary together.

    Two are equal if they are of one class and all fields are. ``dataclasses.asdict``,
    ``replace`` and ``fields`` work, and so do copies, pickles and ``match``.
    """

    __slots__ = ()
    if TYPE_CHECKING:
        __match_args__: ClassVar[tuple[str, ...]]
        _kinds: ClassVar[dict[str, str]]
        _values: ClassVar[Any]
    else:  # without annotations, which tools take for those of fields
        __match_args__ = ()
        _kinds = {}
        _values = operator.attrgetter("__class__")
        # A type checker would take it for a data class.
        __dataclass_fields__ = _MadeWhenAsked("__dataclass_fields__")
        __dataclass_params__ = _MadeWhenAsked("__dataclass_params__")

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in _items(self))
        return f"{type(self).__qualname__}({fields})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self._values(self) == other._values(other))

    def __hash__(self) -> int:
        return hash((type(self), self._values(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: getattr(self, name) for name in _slots(self) if hasattr(self, name)}
        return object.__new__, (type(self),), state | getattr(self, "__dict__", {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        of, slots = _fields_in(type(self)), _slots(self)
        for name, value in state.items():
            if name in slots or hasattr(self, "__dict__"):  # or else another version had it
                set_field(self, name, value)
        for name, value in _defaults_in(of).items() if of else ():
            if name not in state:
                fresh = _FRESH.get(of._kinds[name])
                set_field(self, name, fresh() if value is None and fresh else value)

    def __replace__(self, /, **changes: Any) -> Self:
        return type(self)(**dict(_items(self)) | changes)

    @classmethod
    def _misfit(cls, given: dict[str, Any]) -> str:
        """Say why no record can be made of these fields; the bridge asks."""
        names, optional = cls.__match_args__, _defaults_in(_fields_in(cls) or cls)
        unknown = [name for name in given if name not in names]
        if unknown:
            return f"{cls.__name__} has no field {unknown[0]!r}; it has {', '.join(names)}"
        missing = [name for name in names if name not in given and name not in optional]
        return f"the field {missing[0]!r} of {cls.__name__} is missing"

    @classmethod
    def _of_object(cls, value: object) -> dict[str, Any] | str:
        """Return the fields that an object has as attributes, or why it does not fit."""
        if isinstance(value, Mapping):
            return dict(value)
        of = _readers.setdefault(type(value), {})
        if cls not in of:
            of[cls] = _Reader(cls, type(value))
        return of[cls].read(value)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, and records in them as dicts too."""
        return {name: _plain(value) for name, value in _items(self)}


@dataclass_transform()
class Record(BaseRecord):
    """A record that can be changed. Changing one that a call was given changes nothing in Go."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


@dataclass_transform(frozen_default=True)
class FrozenRecord(BaseRecord):
    """A record that cannot be changed, as results are; it has a hash if its fields have."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed; use dataclasses.replace")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")


def has_fields(cls: Any, kinds: dict[str, str]) -> None:
    """Say which fields a class of records has, and the first word of each one's shape."""
    type.__setattr__(cls, "__match_args__", tuple(kinds))
    cls._kinds = kinds
    if kinds:
        cls._values = operator.attrgetter(*kinds)


def _items(record: Any) -> Iterator[tuple[str, Any]]:
    for name in record.__match_args__:
        if hasattr(record, name):  # none is missing unless somebody deleted it
            yield name, getattr(record, name)


def _slots(record: object) -> list[str]:
    slots: Any = copyreg
    return slots._slotnames(type(record))  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseRecord):
        return value.to_dict()
    if type(value) is list or type(value) is tuple:
        return [_plain(each) for each in value]
    if type(value) is dict:
        return {key: _plain(each) for key, each in value.items()}
    return value


def typed_dict(cls: Any) -> None:
    """Let pydantic take a typed dict, which before CPython 3.12 it refuses, if it is typing's."""
    if sys.version_info < (3, 12):
        cls.__get_pydantic_core_schema__ = classmethod(_schema_of_typed_dict)


def _schema_of_typed_dict(cls: Any, source: Any, handler: Any) -> Any:
    from typing import get_type_hints

    import typing_extensions  # which pydantic needs itself

    pydantics: Any = typing_extensions
    fields = {
        name: hint if name in cls.__required_keys__ else pydantics.NotRequired[hint]
        for name, hint in get_type_hints(cls).items()
    }
    return handler.generate_schema(pydantics.TypedDict(cls.__name__, fields))
