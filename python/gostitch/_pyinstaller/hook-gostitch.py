"""What PyInstaller does not find by reading Python code: the Go library."""

from PyInstaller.utils.hooks import collect_dynamic_libs  # type: ignore[import-untyped]

binaries = collect_dynamic_libs("gostitch")
