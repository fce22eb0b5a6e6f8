"""Where the Go sources of the core are, in a wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

from gostitch.exceptions import LibraryError

_PACKAGE = Path(__file__).resolve().parents[1]


def core_directory() -> Path:
    """Give the folder with the core's ``go.mod``.

    A wheel has it in ``gostitch/_go``; an editable install has it at the root
    of the checkout. Raises ``LibraryError`` if it is in neither place.
    """
    shipped, checkout = _PACKAGE / "_go", _PACKAGE.parents[1]
    for folder in (shipped, checkout):
        if (folder / "go.mod").is_file() and (folder / "gocore").is_dir():
            return folder
    raise LibraryError(
        f"the Go sources of gostitch are neither in {shipped} nor in {checkout}; "
        "reinstall the package",
        details={"shipped": str(shipped), "checkout": str(checkout)},
    )
