"""Apache with mod_wsgi as a program of the interpreter that runs the tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Apache does not serve as root, and another user may not read the interpreter: in a name space
# of users root has another number and may read what is its own.
_AS_SOMEBODY = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]

if __name__ == "__main__":
    command = [str(Path(sys.executable).with_name("mod_wsgi-express")), "start-server"]
    command = [*command, *sys.argv[1:]]
    if os.getuid() == 0:
        command = [*_AS_SOMEBODY, *command]
    os.execvp(command[0], command)
