"""Events of Go's failures, field by field beside those that both SDKs make without gostitch."""

from __future__ import annotations

import json
import linecache
from pathlib import Path

import pytest

import gostitch
from gostitch.build import _toolchain
from gostitch.observe import _frames
from observe import events_page, side_by_side
from observe.envelopes import events, items_and_print
from observe.side_by_side import GO, KINDS, PYTHON, REASONS, Kind

FAULTS = "github.com/gostitch/gostitch/gocore/internal/faults"
PANICS = (
    ("dereference", "error panic", "string panic", "index", "map", "assertion", "division")
)  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kind]:
    """Each kind of failure, reported in three ways."""
    go = _toolchain.go()
    assert go is not None
    folder = tmp_path_factory.mktemp("events")
    return side_by_side.collect(folder, go, _toolchain.environment())


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_is_worse(kind: str, found: dict[str, Kind]) -> None:
    """What a native event of the failure says ours says, or the page gives the reason."""
    worse = [
        (language, field, how)
        for language in (GO, PYTHON)
        for field, how in side_by_side.worse(found[kind], language)
        if side_by_side.explained(kind, language, field) is None
    ]
    assert [] == worse


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: f"{reason.kinds[0]} {reason.field}")
def test_each_reason_holds(reason: side_by_side.Reason, found: dict[str, Kind]) -> None:
    """No reason is left of what is as good as in native events."""
    for kind in reason.kinds:
        worse = dict(side_by_side.worse(found[kind], reason.language))
        assert reason.field in worse, (kind, worse)


def test_the_versions(found: dict[str, Kind]) -> None:
    """Both runtimes and the modules of both, as each SDK tells its own."""
    for kind, (ours, go, python, *_) in found.items():
        if kind == "crash":
            continue  # of another process, of which little is known
        contexts = ours["contexts"]
        beside = contexts["go"] if ours["platform"] == "python" else contexts["python"]
        assert "runtime" == beside["type"], kind  # Sentry's name for a further one
        of_go, of_python = (contexts["runtime"], beside)[:: 1 if ours["platform"] == "go" else -1]
        if go is not None:
            named = ("name", "version", "go_maxprocs")
            assert [go["contexts"]["runtime"][name] for name in named] == [
                of_go[name] for name in named
            ], kind
            assert go["contexts"]["device"] == contexts["device"]
            assert go["contexts"]["os"]["name"] == contexts["os"]["name"]
            assert set(go["modules"].items()) <= set(ours["modules"].items()), kind
        if python is not None:
            runtime = python["contexts"]["runtime"]
            assert runtime.items() <= of_python.items(), kind
            assert python["modules"].items() <= ours["modules"].items(), kind


def test_the_tags(found: dict[str, Kind]) -> None:
    """The version of gostitch, the function as callers name it, and the code of its error."""
    codes = {"file": "not_found", "coded": "sold_out", "argument": "invalid_argument"}
    codes |= dict.fromkeys((*PANICS, "background", "recovered"), "panic") | {"timeout": "timeout"}
    codes |= dict.fromkeys(("crash", "message", "logged"))
    for kind, (ours, *_) in found.items():
        function = "faults.ask" if kind == "callback" else "faults.fail_as"
        tags = ours["tags"]
        assert gostitch.__version__ == tags["gostitch.version"], kind
        assert function == tags["gostitch.function"], kind
        assert codes.get(kind, "unknown") == tags.get("gostitch.error.code"), kind


def test_package_and_function_are_apart(found: dict[str, Kind]) -> None:
    """Each frame of a panic is that of the program of Go's own, below where both begin."""
    for kind in ("traced", "dereference", "index", "error panic"):
        ours, go, *_ = found[kind]
        assert go is not None
        native = side_by_side.frames(go, GO)[-2:]
        named = ("module", "function", "lineno")
        assert [[frame[name] for name in named] for frame in native] == [
            [frame[name] for name in named] for frame in side_by_side.frames(ours, GO)[-2:]
        ]


def test_source_lines(found: dict[str, Kind]) -> None:
    """Lines around each place in Go are those of the file, as many as sentry_sdk has of Python."""
    seen = set()
    for kind, (ours, *_) in found.items():
        for frame in side_by_side.frames(ours, GO):
            if "lineno" not in frame:
                assert "context_line" not in frame, kind
                continue
            seen.add(kind)
            at = frame["lineno"]
            lines = [line.rstrip("\n") for line in linecache.getlines(frame["abs_path"])]
            assert lines[at - 1] == frame["context_line"], kind
            assert lines[at - 6 : at - 1] == frame["pre_context"], kind
            assert lines[at : at + 5] == frame["post_context"], kind
    assert seen >= {*PANICS, "traced", "background", "crash", "captured", "recovered"}


def test_a_panic_is_fatal_and_ends_the_session(found: dict[str, Kind]) -> None:
    """As sentry-go's Recover says of the level, and sentry_sdk of what nobody handles."""
    for kind in (*PANICS, "background"):
        ours, go, python, session, alone = found[kind]
        assert go is not None
        assert python is not None
        assert ("fatal", go["level"]) == (ours["level"], "fatal"), kind
        outermost = [event["exception"]["values"][-1] for event in (ours, python)]
        assert [False, False] == [value["mechanism"]["handled"] for value in outermost], kind
        assert "gostitch" == outermost[0]["mechanism"]["type"]
        assert ("crashed", "crashed") == (session, alone), kind
    for value in found["dereference"].ours["exception"]["values"]:
        assert value["mechanism"]["handled"] is False


def test_an_error_without_a_stack_says_so(found: dict[str, Kind]) -> None:
    """The function that returned it has no line, and where it is declared is called so."""
    for kind in ("plain", "typed", "file"):
        value = side_by_side.values(found[kind].ours, GO)[0]
        (frame,) = value["stacktrace"]["frames"]
        assert (FAULTS, "FailAs") == (frame["module"], frame["function"])
        assert not {"lineno", "context_line"} & set(frame)
        file, _, line = value["mechanism"]["data"]["declared_at"].rpartition(":")
        declared = linecache.getline(frame["abs_path"], int(line))
        assert frame["abs_path"].endswith(file.rpartition("/")[2])
        assert declared.startswith("func FailAs(")
        assert "no stack" in value["mechanism"]["description"]
    (value, *_) = side_by_side.values(found["traced"].ours, GO)
    assert "data" not in value["mechanism"]


def test_whose_code_it_is(tmp_path: Path) -> None:
    """in_app_include and in_app_exclude count for Go's packages, in events of both languages."""
    _, out = items_and_print(
        tmp_path,
        f"""
        kept = []
        def show(event, hint):
            frames = event["exception"]["values"][0]["stacktrace"]["frames"]
            kept.append([(frame["module"].rpartition("/")[2], frame["in_app"]) for frame in frames])

        for options in ({{}}, {{"in_app_exclude": ["{FAULTS}/kinds"]}},
                        {{"in_app_exclude": ["{FAULTS}"], "in_app_include": ["{FAULTS}/kinds"]}},
                        {{"in_app_exclude": ["github.com/gostitch/gostitch/gocore/internal/fau"]}}):
            init(before_send=show, **options)
            for kind in ("dereference", "captured"):
                try:
                    faults.fail_as(kind)
                except gostitch.GoPanic:
                    pass
            print(*[dict(frames) == dict(kept[0]) for frames in kept[1:]], dict(kept[0]))
            kept.clear()
        """,
    )
    both = "True {'faults': %s, 'kinds': %s}"
    expected = [
        both % (True, True),
        both % (True, False),
        both % (False, True),
        both % (True, True),
    ]
    assert expected == out.splitlines()


def test_without_sources_of_the_clients_choice(tmp_path: Path) -> None:
    """A client that wants no source lines gets none of Go's."""
    (event,) = events(
        tmp_path,
        """
        init(include_source_context=False)
        try:
            faults.fail_as("dereference")
        except gostitch.GoPanic:
            pass
        """,
    )
    frames = side_by_side.frames(event, GO)
    assert [False] * len(frames) == ["context_line" in frame for frame in frames]


def test_as_many_lines_as_the_client_wants(tmp_path: Path) -> None:
    """Go's frames have as many source lines around theirs as Python's have."""
    (event,) = events(
        tmp_path,
        """
        init(data_collection={"frame_context_lines": 2})
        from observe import kinds
        try:
            kinds.calls(lambda: faults.fail_as("dereference"))
        except gostitch.GoPanic:
            pass
        """,
    )
    for language in (GO, PYTHON):
        found = [
            frame for frame in side_by_side.frames(event, language) if frame.get("context_line")
        ]
        assert (2, 2) == (len(found[-1]["pre_context"]), len(found[-1]["post_context"]))


def test_tags_of_ones_own_stay(tmp_path: Path) -> None:
    """What the user says wins; of several errors the tags say what all have in common."""
    found = events(
        tmp_path,
        """
        if sys.version_info < (3, 11):
            from exceptiongroup import ExceptionGroup
        init()
        def failed(call):
            try:
                call()
            except gostitch.GoError as error:
                return error
        errors = [failed(faults.fail_typed), failed(lambda: faults.fail("brewing"))]
        sentry_sdk.capture_exception(ExceptionGroup("both", errors))
        sentry_sdk.set_tag("gostitch.function", "mine")
        sentry_sdk.capture_exception(failed(faults.fail_typed))
        faults.fail_as("captured")
        """,
    )
    named = ("gostitch.version", "gostitch.function", "gostitch.error.code")
    version = gostitch.__version__
    assert [
        [version, None, "brewing"],
        [version, "mine", "brewing"],
        [version, "mine", "unknown"],
    ] == [[event["tags"].get(name) for name in named] for event in found]


def test_a_client_without_modules(tmp_path: Path) -> None:
    """Where sentry_sdk tells of no modules, none of Go's are told."""
    found = events(
        tmp_path,
        """
        init(default_integrations=False)
        for kind in ("dereference", "captured"):
            try:
                faults.fail_as(kind)
            except gostitch.GoPanic:
                pass
        """,
    )
    assert [False, False] == ["modules" in event for event in found]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_has_what_is_sent(kind: str, found: dict[str, Kind]) -> None:
    """Each event in the docs has the fields of the one that is sent now; else: make events."""
    (now,) = events_page.texts({kind: found[kind]}).values()
    kept = (events_page.FOLDER / events_page.name_of(kind)).read_text(encoding="utf-8")
    of_now, of_kept = (
        {path for path in side_by_side.fields(json.loads(text)) if ".vars." not in path}
        for text in (now, kept)
    )
    assert of_kept == of_now


def test_the_page_is_made_of_its_files() -> None:
    """The page says what the files beside it say, and there are no others."""
    names = {path.name for path in events_page.FOLDER.iterdir()}

    assert {events_page.name_of(kind) for kind in KINDS} == names
    assert events_page.PAGE.read_text(encoding="utf-8") == events_page.page(events_page.read())


def test_the_stack_of_a_message(tmp_path: Path) -> None:
    """Where the client wants a stack of messages, it is as those of errors are."""
    (event,) = events(tmp_path, "init(attach_stacktrace=True)\nfaults.fail_as('message')\n")
    (thread,) = event["threads"]["values"]
    frame = thread["stacktrace"]["frames"][-1]

    assert (f"{FAULTS}/kinds", "Report", True) == (
        frame["module"],
        frame["function"],
        frame["in_app"],
    )
    assert "hub.CaptureMessage" in frame["context_line"]


@pytest.mark.parametrize(
    ("name", "module", "function"),
    [
        ("main.main", "main", "main"),
        ("example.com/x/pkg.F", "example.com/x/pkg", "F"),
        ("example.com/x/pkg.(*T).Method", "example.com/x/pkg", "(*T).Method"),
        ("example.com/x.v2/pkg.F.func1.2", "example.com/x.v2/pkg", "F.func1.2"),
        ("pkg.F[example.com/y.T]", "pkg", "F[example.com/y.T]"),
        ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml%2ev3", "Unmarshal"),
        ("go:buildid", "", "go:buildid"),
        ("type:.eq.[2]string", "", "type:.eq.[2]string"),
        ("bare", "", "bare"),
    ],
)
def test_names_of_go(name: str, module: str, function: str) -> None:
    """As debug/gosym has it, by whose rule sentry-go takes names apart."""
    assert (module, function) == _frames.split(name)
