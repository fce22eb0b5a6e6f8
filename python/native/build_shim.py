"""Describe the C shim to cffi; setup.py compiles it into ``gostitch._shim``.

The declarations come from the two headers themselves, from between their
markers, so that they stand in one place only.
"""

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
HEADERS = (HERE.parents[1] / "gocore" / "cabi" / "gostitch.h", HERE / "shim.h")


def declarations(header: Path) -> str:
    """Give the part of a header that cffi reads."""
    text = header.read_text(encoding="utf-8")
    return text.partition("/* cdef-begin */")[2].partition("/* cdef-end */")[0]


ffi = FFI()
for path in HEADERS:
    ffi.cdef(declarations(path))
ffi.set_source(
    "gostitch._shim",
    '#include "shim.h"',
    sources=[str((HERE / "shim.c").relative_to(Path.cwd()))],
    include_dirs=[str(path.parent) for path in HEADERS],
    extra_compile_args=["-O2", "-std=gnu11"],
    py_limited_api=True,
)
