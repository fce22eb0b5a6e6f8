"""A fake library, for tests of code that calls Go functions.

``fake_library`` stands in for the Go library: functions return and raise what
the test says, and their calls are recorded. No library file is needed or
loaded; arguments and what the test says are checked as real calls check them.

    with fake_library() as fake:
        fake.returns(tasks.hash_tree, {"digest": "ab" * 32, "files": 2, "bytes": 10})
        assert service.fingerprint("src") == "ab" * 32
        assert fake.calls[0].arguments["root"] == "src"
"""

from gostitch.testing._call import FakeCall
from gostitch.testing._error import FakeError
from gostitch.testing._library import FakeLibrary, fake_library

__all__ = ["FakeCall", "FakeError", "FakeLibrary", "fake_library"]
