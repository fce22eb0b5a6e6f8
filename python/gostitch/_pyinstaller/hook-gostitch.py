"""What PyInstaller does not find by reading Python code: the Go library."""

from PyInstaller.utils.hooks import collect_dynamic_libs

binaries = collect_dynamic_libs("gostitch")
