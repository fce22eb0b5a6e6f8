"""The task library: ready Go functions for build, CI and release services."""

from gostitch.tasks import _generated
from gostitch.tasks._generated import *  # noqa: F403

__all__ = _generated.__all__
