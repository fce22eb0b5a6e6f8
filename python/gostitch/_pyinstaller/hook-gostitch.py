"""What PyInstaller does not find by reading Python code: the Go library.

Not its symbols: whoever profiles a program gives it a library of ``gostitch symbols``.
"""

from PyInstaller.utils.hooks import collect_dynamic_libs  # type: ignore[import-untyped]

binaries = collect_dynamic_libs("gostitch")
