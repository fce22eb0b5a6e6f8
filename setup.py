"""Build the wheel: the C extension and the Go library, side by side.

Everything declarative is in pyproject.toml, and what runs is in python/native.
"""

import sys
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "python" / "native"))

import support  # noqa: E402
from compile import Compile, GoLibrary  # noqa: E402
from contents import FreshBuild, FreshSdist, NamedWheel, ShipCore  # noqa: E402

VERSION: dict[str, str] = {}
exec((HERE / "python" / "gostitch" / "_version.py").read_text(), VERSION)  # noqa: S102

setup(
    version=VERSION["VERSION"],
    package_dir={"": "python"},
    packages=find_packages("python", include=["gostitch", "gostitch.*"]),
    package_data={"": ["py.typed", "*.pyi", "*.css", "*.js"]},
    cffi_modules=["python/native/build_shim.py:ffi"],  # the C extension
    ext_modules=[GoLibrary("gostitch.libgostitch", "./gocore/cmd/libgostitch")],
    cmdclass={
        "bdist_wheel": NamedWheel,
        "build": FreshBuild,
        "build_ext": Compile,
        "sdist": FreshSdist,
        "ship_core": ShipCore,
    },
    options={"bdist_wheel": {"py_limited_api": "cp310"}}
    if support.of_this_machine().limited_api
    else {},
)
