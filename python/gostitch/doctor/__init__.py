"""Why gostitch works, or does not, in an environment: ``examine()`` tells.

On the command line it is ``gostitch doctor``. Importing it does not load the
Go library, and works where the rest of the package does not.
"""

from gostitch.doctor._examine import examine
from gostitch.doctor._finding import Finding

__all__ = ["Finding", "examine"]
