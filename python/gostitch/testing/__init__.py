"""What tests of code that calls Go functions need: a fake library, and a look at their spans.

``fake_library`` stands in for the Go library: functions return and raise what
the test says, and their calls are recorded. No library file is needed or
loaded; arguments and what the test says are checked as real calls check them.

    with fake_library() as fake:
        fake.returns(tasks.hash_tree, {"digest": "ab" * 32, "files": 2, "bytes": 10})
        assert service.fingerprint("src") == "ab" * 32
        assert fake.calls[0].arguments["root"] == "src"

``stitched`` records the spans that code makes, over the boundary, and fails if they are not
one whole trace: a refactoring that loses the context on the way goes red.

    with stitched(root="handler", calls=["tasks.hash_tree"]):
        service.handle(request)

``gostitch.testing.pytest_plugin`` has a fixture of that name for pytest.
"""

from gostitch.testing._call import FakeCall
from gostitch.testing._error import FakeError
from gostitch.testing._library import FakeLibrary, fake_library
from gostitch.testing._offline import offline
from gostitch.testing._stitching import (
    Recording,
    StitchError,
    assert_stitched,
    record_spans,
    stitched,
)

__all__ = [
    "FakeCall",
    "FakeError",
    "FakeLibrary",
    "Recording",
    "StitchError",
    "assert_stitched",
    "fake_library",
    "offline",
    "record_spans",
    "stitched",
]
