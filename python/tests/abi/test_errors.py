"""Errors and panics of Go functions as Python exceptions."""

from __future__ import annotations

import asyncio
import errno
import pickle
import traceback
from pathlib import Path

import pytest

import faults
import gostitch
from gostitch import GoError, GoPanic, runtime_info
from gostitch.exceptions import CODES, class_of
from invariants import settled


def _panic(kind: str) -> GoPanic:
    with pytest.raises(GoPanic) as caught:
        faults.panic(kind)
    return caught.value


class TestErrors:
    @pytest.mark.parametrize("code", [*CODES, "a_code_of_the_function"])
    def test_each_code_is_a_class(self, code: str) -> None:
        """An error with a code is raised as the class of that code, details and all."""
        with pytest.raises(GoError) as caught:
            faults.fail(code, text="it failed")

        error = caught.value
        assert (class_of(code), code, "it failed") == (type(error), error.code, error.message)
        assert "*gocore.Error" == error.go_type
        assert {
            "path": "/some/where",
            "count": 3,
            "share": 0.5,
            "final": True,
            "list": "[1 2]",
        } == (error.details)

    def test_of_a_type_of_its_own(self) -> None:
        """Any Go error may bring a code, details and the stack where it was made."""
        with pytest.raises(GoError) as caught:
            faults.fail_typed()

        error = caught.value
        assert ("brewing", "typed: file already closed") == (error.code, str(error))
        assert {"pot": "tea", "cups": 418} == error.details
        assert error.go_frames[0].function.endswith("faults.FailTyped")
        assert error.go_frames[0].file.endswith("faults/failure.go")
        assert error.go_stack.startswith(error.go_frames[0].function)
        # The bridge's own frames say nothing.
        assert not [frame for frame in error.go_frames if "gocore.(*Call)" in frame.function]

    def test_causes(self) -> None:
        """What an error wraps is its __cause__, down to the root."""
        with pytest.raises(GoError) as caught:
            faults.fail_wrapped(3)

        messages = []
        error: BaseException | None = caught.value
        while error is not None:
            messages.append(str(error))
            error = error.__cause__
        assert [
            "layer 3: layer 2: layer 1: the root",
            "layer 2: layer 1: the root",
            "layer 1: the root",
            "the root",
        ] == messages

    def test_a_long_chain_is_cut(self) -> None:
        """A chain of causes is bounded; the outer text tells all of it anyway."""
        with pytest.raises(GoError, match="the root") as caught:
            faults.fail_wrapped(1000)

        depth = 0
        error: BaseException | None = caught.value
        while error is not None:
            depth += 1
            error = error.__cause__
        assert 16 == depth

    def test_joined(self) -> None:
        """errors.Join gives several causes; the first is the __cause__."""
        with pytest.raises(GoError) as caught:
            faults.fail_joined(3)

        error = caught.value
        assert ["part 0", "part 1", "part 2"] == [str(cause) for cause in error.causes]
        assert error.causes[0] is error.__cause__
        assert "data" == error.code

    @pytest.mark.parametrize(
        ("kind", "builtin", "code"),
        [
            ("deadline", TimeoutError, "timeout"),
            ("canceled", gostitch.GoCancelledError, "cancelled"),
            ("exists", FileExistsError, "exists"),
            ("permission", PermissionError, "permission"),
            ("notdir", NotADirectoryError, "not_a_directory"),
            ("isdir", IsADirectoryError, "is_a_directory"),
            ("full", OSError, "io"),
            ("link", OSError, "io"),
            ("refused", OSError, "io"),
            ("plain", GoError, "unknown"),
        ],
    )
    def test_of_the_standard_library(
        self, kind: str, builtin: type[BaseException], code: str
    ) -> None:
        """Errors of Go's standard library are what Python would raise."""
        with pytest.raises(builtin) as caught:
            faults.fail_standard(kind)

        assert isinstance(caught.value, GoError)
        assert code == caught.value.code

    def test_missing_file(self, tmp_path: Path) -> None:
        """A missing file is a FileNotFoundError with errno and filename."""
        path = str(tmp_path / "missing")
        with pytest.raises(FileNotFoundError) as caught:
            faults.read_file(path)

        assert (errno.ENOENT, path) == (caught.value.errno, caught.value.filename)
        assert f"open {path}: no such file or directory" == str(caught.value)

    def test_wrapped_os_error(self, tmp_path: Path) -> None:
        """Wrapping does not hide what an error of the system is."""
        file = tmp_path / "file"
        file.write_bytes(b"")
        with pytest.raises(NotADirectoryError) as caught:
            faults.list_directory(file)

        assert errno.ENOTDIR == caught.value.errno
        assert "listing: " in str(caught.value)

    def test_text_that_is_not_utf8(self) -> None:
        """A message with invalid bytes arrives with replacement characters."""
        with pytest.raises(GoError) as caught:
            faults.fail_standard("bytes")

        assert "not UTF-8: \ufffd" == str(caught.value)

    @pytest.mark.parametrize("method", ["Error", "Code", "Details", "Callers", "Unwrap"])
    def test_whose_methods_panic(self, method: str) -> None:
        """An error whose own methods panic harms nobody, and says so."""
        for call in (faults.fail_hostile, lambda kind: faults.fail_hostile.submit(kind).result()):
            with pytest.raises(GoError, match=f"{method} panic"):
                call(method)

    @pytest.mark.parametrize("kind", ["one", "several"])
    def test_that_wrap_themselves(self, kind: str) -> None:
        """An error that is its own cause is one with its text, and nobody looks for its end."""
        for call in (faults.fail_endless, lambda kind: faults.fail_endless.submit(kind).result()):
            with pytest.raises(GoError) as caught:
                call(kind)
            assert ("without end", ()) == (str(caught.value), caught.value.causes)
            assert caught.value.go_type in ("*faults.endlessError", "*faults.endlessErrors")

    def test_a_panic_with_an_error_that_wraps_itself(self) -> None:
        """It is a panic all the same, with its stack."""
        with pytest.raises(GoPanic, match="without end") as caught:
            faults.fail_endless("panic")
        assert "*faults.endlessError" == caught.value.go_type
        assert caught.value.go_frames[0].function.endswith(".FailEndless")

    def test_a_nil_pointer(self) -> None:
        """A nil pointer returned as an error is explained."""
        with pytest.raises(
            GoError, match=r"fail_nil\(\) returned a nil \*gocore.Error as its error"
        ):
            faults.fail_nil()

    def test_are_pickled_whole(self) -> None:
        """What crosses can be pickled, with its causes."""
        with pytest.raises(GoError) as caught:
            faults.fail_wrapped(2)
        copy = pickle.loads(pickle.dumps(caught.value))

        assert str(caught.value.__cause__) == str(copy.__cause__)

    def test_of_a_function_that_takes_no_arguments(self) -> None:
        """The traceback ends in the caller's line, so that it is of use."""
        try:
            faults.fail("data")
        except GoError as error:
            last = traceback.extract_tb(error.__traceback__)[0]

        assert __file__ == last.filename


class TestPanics:
    @pytest.mark.parametrize(
        ("kind", "message", "go_type"),
        [
            ("string", "a string", "panic"),
            ("error", "an error", "*errors.errorString"),
            ("coded", "a coded error", "*gocore.Error"),
            ("nil", "panic called with nil argument", "*runtime.PanicNilError"),
            ("dereference", "invalid memory address or nil pointer", "runtime.errorString"),
            ("index", "index out of range [5] with length 0", "runtime.boundsError"),
            ("division", "integer divide by zero", "runtime.errorString"),
            ("map", "assignment to entry in nil map", "runtime.plainError"),
            ("hostile", "the Error method panics", "faults.hostile"),
            ("repanic", "again: first", "panic"),
        ],
    )
    def test_of_every_kind(self, kind: str, message: str, go_type: str) -> None:
        """Every panic is a GoPanic whose stack begins in the function; the process lives."""
        error = _panic(kind)

        assert message in str(error)
        assert ("panic", go_type) == (error.code, error.go_type)
        assert "gocore/internal/faults.Panic" in error.go_frames[0].function
        assert 3 == faults.add(1, 2)

    def test_when_submitted(self) -> None:
        """A panic of a submitted call fails its future."""
        with pytest.raises(GoPanic, match="a string"):
            faults.panic.submit("string").result()

    def test_when_awaited(self) -> None:
        """And one that is awaited, too."""

        async def main() -> None:
            with pytest.raises(GoPanic, match="a string"):
                await faults.panic.submit("string")

        asyncio.run(main())

    def test_a_thousand(self) -> None:
        """A thousand panics leave no goroutine and no memory behind."""
        for future in [faults.panic.submit("string") for _ in range(1000)]:
            assert GoPanic is type(future.exception())
        before = runtime_info()
        for _ in range(1000):
            _panic("dereference")
        for future in [faults.panic.submit("index") for _ in range(1000)]:
            assert GoPanic is type(future.exception())
        most = before["goroutines"] + 64  # so many may wait for the next call (workers.go)

        assert settled(lambda: runtime_info()["goroutines"] <= most, True)
        assert 0 == settled(lambda: runtime_info()["calls"], 0)

    def test_in_the_background(self) -> None:
        """A panic in a goroutine started through gocore.Go is counted and harms nobody."""
        before = runtime_info()["background_panics"]
        faults.background_panic()
        while runtime_info()["background_panics"] == before:
            pass

        assert 3 == faults.add(1, 2)

    def test_goexit_of_a_submitted_call(self) -> None:
        """runtime.Goexit in a submitted call is reported like a panic, and nothing hangs."""
        with pytest.raises(GoPanic, match=r"runtime\.Goexit was called"):
            faults.goexit.submit().result(20)

        assert 3 == faults.add.submit(1, 2).result()
