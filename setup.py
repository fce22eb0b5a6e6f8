"""Build the wheel: the C bridge and the Go library, side by side.

Everything declarative is in pyproject.toml, and what runs is in python/native.
"""

import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup

HERE = Path(__file__).parent
NATIVE = HERE / "python" / "native"
sys.path.insert(0, str(NATIVE))

import support  # noqa: E402
from compile import Compile, GoLibrary  # noqa: E402
from contents import FreshBuild, FreshSdist, NamedWheel, ShipCore  # noqa: E402

VERSION: dict[str, str] = {}
exec((HERE / "python" / "gostitch" / "_version.py").read_text(), VERSION)  # noqa: S102

# One build serves all later CPythons, but for a free-threaded one.
LIMITED_API = support.of_this_machine().limited_api

BRIDGE = Extension(
    "gostitch._bridge",
    sources=sorted(str(path.relative_to(HERE)) for path in NATIVE.glob("*.c")),
    depends=sorted(str(path.relative_to(HERE)) for path in NATIVE.glob("*.h")),
    include_dirs=["gocore/cabi"],
    define_macros=[("Py_LIMITED_API", "0x030A0000")] if LIMITED_API else [],
    extra_compile_args=[
        "-std=gnu11",
        "-fvisibility=hidden",
        "-Werror=implicit-function-declaration",
    ],
    py_limited_api=LIMITED_API,
)

setup(
    version=VERSION["VERSION"],
    package_dir={"": "python"},
    packages=find_packages("python", include=["gostitch", "gostitch.*"]),
    package_data={"": ["py.typed", "*.pyi", "*.css", "*.js"]},
    ext_modules=[BRIDGE, GoLibrary("gostitch.libgostitch", "./gocore/cmd/libgostitch")],
    cmdclass={
        "bdist_wheel": NamedWheel,
        "build": FreshBuild,
        "build_ext": Compile,
        "sdist": FreshSdist,
        "ship_core": ShipCore,
    },
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if LIMITED_API else {},
)
