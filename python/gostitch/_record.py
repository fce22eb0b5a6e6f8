"""Records: what crosses with names, as plain classes with slots.

A generated class lists its fields in ``__slots__``, and has an ``__init__`` of its own. What it
has besides is here, and what tools for data classes ask of a class is made when one asks.
"""

from __future__ import annotations

import operator
import reprlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    import os
    from typing import TypedDict as TypedDict

    from typing_extensions import Self, dataclass_transform

    Path = str | os.PathLike[str]
else:
    Path = str
    if sys.version_info >= (3, 12):
        from typing import TypedDict
    else:

        class TypedDict(dict):
            """``typing.TypedDict`` until pydantic takes that, which is from CPython 3.12 on."""

            def __new__(cls, *args: Any, **fields: Any) -> Any:
                return dict(*args, **fields)

            def __init_subclass__(cls, total: bool = True) -> None:
                cls.__total__ = total

            @classmethod
            def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
                from inspect import get_annotations
                from typing import get_type_hints

                # pydantic needs it itself.
                from typing_extensions import NotRequired, TypedDict

                optional = {
                    name
                    for base in cls.__mro__
                    if not getattr(base, "__total__", True)
                    for name in get_annotations(base)
                }
                fields = {
                    name: NotRequired[hint] if name in optional else hint
                    for name, hint in get_type_hints(cls).items()
                }
                return handler.generate_schema(TypedDict(cls.__name__, fields))

    def dataclass_transform(**options: Any) -> Any:
        """Return what gives a class back as it is: only type checkers read it."""
        return lambda cls: cls


set_field = object.__setattr__
"""Sets a field of a record that is being made, also of one that cannot be changed."""


class _DataclassFields:
    """Gives a class of records the fields that ``dataclasses`` knows, once somebody asks."""

    def __get__(self, record: object, cls: Any) -> dict[str, Any]:
        if "_kinds" not in cls.__dict__ or not cls._kinds:
            return {}  # a base, whose classes are asked themselves
        # Late: few ask, and the modules take milliseconds.
        import dataclasses
        import inspect

        fresh = {"list": list, "map": dict}

        def field(name: str) -> Any:
            default = parameters[name].default
            if default is inspect.Parameter.empty:
                return dataclasses.field()
            if default is None and cls._kinds[name] in fresh:
                return dataclasses.field(default_factory=fresh[cls._kinds[name]])
            return dataclasses.field(default=default)

        parameters = inspect.signature(cls).parameters
        model: Any = dataclasses.make_dataclass(
            cls.__name__,
            [(name, cls.__annotations__[name], field(name)) for name in cls.__match_args__],
            frozen=issubclass(cls, FrozenRecord),
        )
        cls.__dataclass_params__ = model.__dataclass_params__
        cls.__dataclass_fields__ = model.__dataclass_fields__
        return cls.__dataclass_fields__  # type: ignore[no-any-return]


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
        __dataclass_fields__ = _DataclassFields()  # a type checker would take it for a data class

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
        return _make, (type(self), dict(_items(self)))

    def __replace__(self, /, **changes: Any) -> Self:
        return type(self)(**dict(_items(self)) | changes)

    @classmethod
    def _misfit(cls, given: dict[str, Any]) -> str:
        """Say why no record can be made of these fields; the bridge asks."""
        names = cls.__match_args__
        unknown = [name for name in given if name not in names]
        if unknown:
            return f"{cls.__name__} has no field {unknown[0]!r}; it has {', '.join(names)}"
        defaults: tuple[Any, ...] = getattr(cls.__init__, "__defaults__", None) or ()
        missing = [name for name in names[: len(names) - len(defaults)] if name not in given]
        return f"the field {missing[0]!r} of {cls.__name__} is missing"

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
        raise AttributeError(f"{type(self).__name__} cannot be changed; use copy.replace")

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


def _make(cls: type[T], fields: dict[str, Any]) -> T:
    made = cls.__new__(cls)
    for name, value in fields.items():
        set_field(made, name, value)
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, BaseRecord):
        return value.to_dict()
    if type(value) is list or type(value) is tuple:
        return [_plain(each) for each in value]
    if type(value) is dict:
        return {key: _plain(each) for key, each in value.items()}
    return value
