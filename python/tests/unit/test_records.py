"""Records are plain classes: what is expected of one is what a data class with the same fields does."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any, ClassVar, get_type_hints

import attrs
import pydantic
import pytest

import faults
from gostitch import tasks


@dataclasses.dataclass(frozen=True)
class Line:
    """A data class with the fields of the frozen record ``FaultsLine``."""

    number: int
    text: str


@dataclasses.dataclass
class Inner:
    """A data class with the fields of the record ``FaultsInner``."""

    id: int
    label: str


PAIRS = [
    pytest.param(Line, faults.FaultsLine, id="frozen"),
    pytest.param(Inner, faults.FaultsInner, id="changeable"),
]


def outcome(do: Callable[[], Any]) -> Any:
    """Return what a callable returns, or the kind of what it raises."""
    try:
        return do()
    except Exception as error:
        # FrozenInstanceError is a kind of AttributeError.
        return next(each for each in (AttributeError, TypeError) if isinstance(error, each))


@pytest.mark.parametrize(("twin", "record"), PAIRS)
@pytest.mark.parametrize(
    "ask",
    [
        lambda cls: cls(1, "a") == cls(1, "a"),
        lambda cls: cls(1, "a") == cls(2, "a"),
        lambda cls: cls(1, "a") != cls(1, "b"),
        lambda cls: cls(1, "a") == (1, "a"),
        lambda cls: cls(1, "a") == type("Other", (cls,), {})(1, "a"),
        lambda cls: cls(1, "a") < cls(2, "a"),
        lambda cls: hash(cls(1, "a")) == hash(cls(1, "a")),
        lambda cls: hash(cls(1, ["unhashable"])),
        lambda cls: {cls(1, "a"): 2}[cls(1, "a")],
        lambda cls: cls(),
        lambda cls: cls(1),
        lambda cls: cls(1, "a", 2),
        lambda cls: cls(1, "a", wrong=2),
        lambda cls: cls(1, cls.__match_args__[0]) and cls.__match_args__,
        lambda cls: dataclasses.asdict(cls(1, [cls(2, "b")])),
        lambda cls: dataclasses.astuple(cls(1, "a")),
        lambda cls: dataclasses.asdict(dataclasses.replace(cls(1, "a"), **{_second(cls): "b"})),
        lambda cls: outcome(lambda: dataclasses.replace(cls(1, "a"), wrong=2)),
        lambda cls: dataclasses.is_dataclass(cls),
        lambda cls: [(each.name, each.init, each.default) for each in dataclasses.fields(cls)],
        lambda cls: get_type_hints(cls),
        lambda cls: str(list(inspect.signature(cls).parameters.values())),
        lambda cls: setattr(cls(1, "a"), cls.__match_args__[0], 2),
        lambda cls: delattr(cls(1, "a"), cls.__match_args__[0]),
        lambda cls: dataclasses.asdict(copy.copy(cls(1, "a"))),
        lambda cls: copy.copy(cls(1, "a")) == cls(1, "a"),
    ],
)
def test_as_a_data_class(twin: type, record: type, ask: Callable[[type], Any]) -> None:
    """Comparisons, hashes, construction, fields and changes end as those of the data class."""
    assert outcome(lambda: ask(twin)) == outcome(lambda: ask(record))


def _second(cls: Any) -> str:
    return str(cls.__match_args__[1])


@pytest.mark.parametrize(("twin", "record"), PAIRS)
def test_repr(twin: Any, record: Any) -> None:
    """It is that of the data class, also within itself."""
    assert repr(twin(1, "a\n")).partition("(")[2] == repr(record(1, "a\n")).partition("(")[2]
    assert repr(record(1, "a")).startswith(record.__qualname__)

    ours, theirs = record(1, []), twin(1, [])
    for each in (ours, theirs):
        getattr(each, each.__match_args__[1]).append(each)
    assert repr(theirs).partition("(")[2] == repr(ours).partition("(")[2]


def test_match() -> None:
    """By position and by name."""
    match faults.FaultsLine(1, "a"):
        case faults.FaultsLine(number, text=text):
            assert (1, "a") == (number, text)
        case _:
            pytest.fail("it did not match")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol: int) -> None:
    """Each protocol brings back an equal one, of the same class, with records in it."""
    given = tasks.FetchItem("https://example.com", "/p"), faults.FaultsInner(1, "a")
    back = pickle.loads(pickle.dumps(given, protocol))

    assert given == back
    assert [type(each) for each in given] == [type(each) for each in back]


def test_deep_copies() -> None:
    """What is in one is copied too."""
    given = faults.FaultsInner(1, ["a"])  # type: ignore[arg-type]
    copied = copy.deepcopy(given)

    assert given == copied
    assert given.label is not copied.label


def test_to_dict() -> None:
    """Records within lists and mappings become dicts as well."""
    inner = faults.FaultsInner(2, "b")
    given = faults.FaultsInner(1, {"one": [inner, "c"]})  # type: ignore[arg-type]

    assert {"id": 1, "label": {"one": [{"id": 2, "label": "b"}, "c"]}} == given.to_dict()


def test_no_attribute_but_the_fields() -> None:
    """A name that is misspelt is an error, as with slots."""
    with pytest.raises(AttributeError, match="lable"):
        faults.FaultsInner(1, "a").lable = "b"  # type: ignore[attr-defined]
    assert not hasattr(faults.FaultsInner(1, "a"), "__dict__")


def test_a_field_that_is_not_set() -> None:
    """It is named before Go is asked, and the record can still be shown."""
    given = faults.FaultsInner(1, "a")
    del given.label

    with pytest.raises(
        TypeError, match=r"structured\(\) argument inner\.label: the field is not set"
    ):
        faults.structured("n", [1], given)
    assert "FaultsInner(id=1)" == repr(given)


class Noted(tasks.FetchItem):
    """A user's subclass, whose instances have attributes besides the fields."""

    __slots__ = ("__seen", "note")

    def __init__(self, url: str, note: str) -> None:
        super().__init__(url, "/p")
        self.note = note
        self.__seen = True

    @property
    def seen(self) -> bool:
        """Return what is in a slot with a private name."""
        return self.__seen


class Open(tasks.PackResult):
    """One with a ``__dict__``, of a frozen record."""


@dataclasses.dataclass
class Item(tasks.FetchItem):
    """A data class made of a record."""

    more: int = 0


@dataclasses.dataclass(frozen=True)
class Packed(tasks.PackResult):
    """The same of a frozen one."""

    more: int = 0


_BACK: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    *(lambda value, n=n: pickle.loads(pickle.dumps(value, n)) for n in range(6)),
]


@pytest.mark.parametrize("back", _BACK)
def test_subclasses(back: Callable[[Any], Any]) -> None:
    """Copies and pickles have all that is in them, as those of other classes."""
    noted = back(Noted("u", "n"))
    result = Open(*range(len(Open.__match_args__)))
    object.__setattr__(result, "note", "n")
    item, packed = back(Item("u", "/p", more=3)), back(Packed(*range(len(Open.__match_args__)), 4))

    assert (Noted, "u", "/p", "n", True) == (
        type(noted),
        noted.url,
        noted.path,
        noted.note,
        noted.seen,
    )
    assert (Open, "n") == (type(back(result)), back(result).note)
    assert (Item, "u", 3) == (type(item), item.url, item.more)
    assert (Packed, 4) == (type(packed), packed.more)


def test_data_classes_of_records() -> None:
    """They have the fields of both, and cross as the record does."""
    item = Item("http://127.0.0.1:9", "/nowhere/p", more=3)

    assert ["url", "path", "digest", "more"] == [each.name for each in dataclasses.fields(item)]
    assert "more=3" in repr(item)
    assert item == dataclasses.replace(item)
    assert [False] == [result.ok for result in tasks.fetch([item], retries=0)]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Packed(*range(len(Open.__match_args__))).more = 5  # type: ignore[misc]


def test_a_subclass_that_is_asked_first() -> None:
    """It has the fields of the record, before and after somebody asks that."""

    class Fresh(faults.FaultsCode):
        pass

    first = [each.name for each in dataclasses.fields(Fresh)]

    assert first == [each.name for each in dataclasses.fields(faults.FaultsCode)]
    assert first == [each.name for each in dataclasses.fields(Fresh)] != []
    assert not dataclasses.is_dataclass(faults.FaultsCode.__mro__[1])


@pytest.mark.parametrize("back", _BACK[1:])
def test_cycles(back: Callable[[Any], Any]) -> None:
    """A record within itself comes back within itself."""
    given = faults.FaultsInner(1, [])  # type: ignore[arg-type]
    given.label.append(given)  # type: ignore[attr-defined]
    copied = back(given)

    assert copied.label[0] is copied


def test_a_pickle_of_another_version() -> None:
    """What the class does not know is left out, and what it misses has its default."""
    back = tasks.FetchItem.__new__(tasks.FetchItem)
    back.__setstate__({"url": "u", "path": "/p", "later": 3})

    assert tasks.FetchItem("u", "/p", digest="") == back


class Fitting:
    """Has the fields of FaultsInner, one of which cannot be read."""

    __match_args__ = ("id", "label")

    def __init__(self, error: BaseException) -> None:
        self._error = error

    @property
    def id(self) -> int:
        """Return no id."""
        raise self._error


@pytest.mark.parametrize("error", [AttributeError("a"), TypeError("t"), KeyError("k")])
def test_a_property_that_raises(error: Exception) -> None:
    """Its error is the call's, and its field is not left out."""

    @dataclasses.dataclass
    class Broken(Fitting):
        label: str = "x"

        def __init__(self) -> None:
            super().__init__(error)

    with pytest.raises(type(error), match=str(error)):
        faults.structured("n", [1], Broken())


def test_a_field_too_many() -> None:
    """It may be one that was misspelt, and would count for nothing."""

    @dataclasses.dataclass
    class Misspelt:
        url: str
        path: str
        diggest: str

    with pytest.raises(
        TypeError, match=r"items\[0\]: Misspelt has a field 'diggest' that FetchItem has not"
    ):
        tasks.fetch([Misspelt("u", "/p", "sha256:0")])  # type: ignore[list-item]


def test_a_field_with_the_name_of_a_method_of_dicts() -> None:
    """An object with fields is none of a mapping."""

    @dataclasses.dataclass
    class Keyed:
        id: int
        label: str

        def keys(self) -> list[str]:
            return ["id"]

    assert faults.structured("n", [1], faults.FaultsInner(1, "a")) == faults.structured(
        "n", [1], Keyed(1, "a")
    )


@dataclasses.dataclass
class Late:
    """Has one field that is declared, and one that it sets itself."""

    id: int
    label: ClassVar[str] = "of the class"

    def __post_init__(self) -> None:
        self.label = "own"  # type: ignore[misc]


class Served:
    """Serves what is asked for, as proxies do."""

    __dataclass_fields__: ClassVar[dict[str, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        try:
            return {"id": 1, "label": "own"}[name]
        except KeyError:
            raise AttributeError(name) from None


class Extra(pydantic.BaseModel, extra="allow"):
    """Takes fields that it does not declare."""

    id: int


class Mapped(dict[str, Any]):
    """A mapping that is a data class too."""

    __dataclass_fields__: ClassVar[dict[str, Any]] = {}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(Served(), id="served"),
        pytest.param(Extra(id=1, label="own"), id="extra"),  # type: ignore[call-arg]
        pytest.param(Mapped(id=1, label="own"), id="mapping"),
        pytest.param(attrs.make_class("A", ["_id", "label"])(1, "own"), id="private"),
    ],
)
def test_objects_with_the_fields(given: Any) -> None:
    """What an object has besides its declared fields counts, as pydantic and others have it."""
    expected = faults.structured("n", [1], faults.FaultsInner(1, "own"))

    assert expected == faults.structured("n", [1], given)


def test_a_constant_of_the_class_is_no_field() -> None:
    """Nor is a method: a field of that name has its default, or is missing."""
    with pytest.raises(TypeError, match="the field 'label' of FaultsInner is missing"):
        faults.structured("n", [1], Late(1))


def test_another_field_that_pydantic_took() -> None:
    """It is refused, as one that is declared."""
    with pytest.raises(TypeError, match="has a field 'foo' that FaultsInner has not"):
        faults.structured("n", [1], Extra(id=1, label="own", foo=2))  # type: ignore[call-arg]


def test_a_declared_field_that_is_not_set() -> None:
    """It is named with its argument."""

    @dataclasses.dataclass
    class Unset:
        id: int
        label: str = dataclasses.field(init=False)

    with pytest.raises(TypeError, match=r"inner: the field 'label' of Unset is not set"):
        faults.structured("n", [1], Unset(1))
