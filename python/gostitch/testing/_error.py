"""The exception for tests that ask what cannot be."""

from __future__ import annotations


class FakeError(AssertionError):
    """The test has prepared nothing for a call, or something that cannot happen.

    No ``GoError``, so that the code under test does not take it for a failure
    of Go and handle it.
    """
