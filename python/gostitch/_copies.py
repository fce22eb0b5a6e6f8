"""Private copies of the library's file, which forked children load.

A Go runtime does not survive fork, and the dynamic loader gives a file that it
has loaded once more only as it is, so a child needs another file. It gets a
file in memory, which its siblings share: made when the library is loaded, so
that also a child of which Python knows nothing inherits it, and filled by the
first child that calls Go. Where the system forbids that, a temporary file does.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable

# Of linux/fcntl.h: the module fcntl lacks them in Pythons built for old systems.
_ADD_SEALS, _GET_SEALS = 1033, 1034
_SEAL, _SHRINK, _GROW, _WRITE = 1, 2, 4, 8

_WAIT_S = 1.0
"""Seconds that a child waits for a sibling to fill the file in memory."""

_POLL_S = 0.001


class NoCopyError(Exception):
    """No way to load a copy works; the text names each with its reason."""


class Descriptor:
    """A descriptor that somebody else may close, as daemons do with all they inherit."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._identity = self._identify()

    def _identify(self) -> tuple[int, int]:
        status = os.fstat(self._fd)
        return status.st_dev, status.st_ino

    def is_there(self) -> bool:
        """Tell whether it is still the file's; the number may be another's by now."""
        try:
            return self._identify() == self._identity
        except OSError:
            return False

    def number(self) -> int:
        """Give it, or raise ``OSError``."""
        if not self.is_there():
            raise OSError("its descriptor was closed")
        return self._fd

    def close(self) -> None:
        """Close it unless somebody has."""
        if self.is_there():
            os.close(self._fd)


class Original:
    """The file of the library that a process has loaded, kept for its children.

    Open, so that they get the same library although an upgrade replaced the file.
    """

    def __init__(
        self,
        path: str,
        memory_file: Callable[[bytes], int],
        *,
        file: Descriptor | None = None,
        depth: int = 1,
    ) -> None:
        self.path = path
        self._memory_file = memory_file
        self._depth = depth  # of the children: 1, of theirs: 2
        self._file = file or Descriptor(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        self._shared: Descriptor | None = None
        try:
            self._shared = self._new_memory()
        except OSError:
            pass  # said when a child needs it

    def load_copy(self, load: Callable[[str], None]) -> tuple[Original, str]:
        """Load a copy in a child; gives what its own children need, and the mapping's name.

        Raises ``NoCopyError`` if no way works.
        """
        refused: list[str] = []
        for name, way in self._ways():
            try:
                file, mapped = way(load)
            except OSError as error:
                refused.append(f"{name}: {error.strerror or error}")
                continue
            self.close()
            own = Original(self.path, self._memory_file, file=file, depth=self._depth + 1)
            return own, mapped
        raise NoCopyError("; ".join(refused))

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
        if self._shared is not None:
            self._shared.close()

    def _ways(self) -> list[tuple[str, Callable[[Callable[[str], None]], tuple[Descriptor, str]]]]:
        folders = [
            *(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")),
            "/tmp",  # noqa: S108 - the file has a name of its own and is nobody else's
            "/var/tmp",  # noqa: S108
            "/dev/shm",  # noqa: S108
            os.environ.get("XDG_RUNTIME_DIR"),
            os.path.dirname(self.path),
        ]
        return [
            ("memory", self._from_shared_memory),
            ("memory of its own", self._from_memory),
            *(
                (folder, lambda load, folder=folder: self._from_folder(folder, load))
                for folder in dict.fromkeys(folders)
                if folder
            ),
        ]

    def _new_memory(self) -> Descriptor:
        return Descriptor(self._memory_file(os.fsencode(os.path.basename(self.path))))

    def _from_shared_memory(self, load: Callable[[str], None]) -> tuple[Descriptor, str]:
        if self._shared is None:
            raise OSError("it was refused when the library was loaded")
        self._fill(self._shared.number())
        shared, mapped = self._load_memory(self._shared, load)
        self._shared = None  # the child's now
        return shared, mapped

    def _from_memory(self, load: Callable[[str], None]) -> tuple[Descriptor, str]:
        memory = self._new_memory()
        try:
            self._fill(memory.number())
            return self._load_memory(memory, load)
        except BaseException:
            memory.close()
            raise

    def _load_memory(
        self, memory: Descriptor, load: Callable[[str], None]
    ) -> tuple[Descriptor, str]:
        # The loader compares names before it looks at the file, and the number may have
        # been that of a forebear's copy.
        load("/proc/self/fd/" + "./" * self._depth + str(memory.number()))
        return memory, os.readlink(f"/proc/self/fd/{memory.number()}").removesuffix(" (deleted)")

    def _from_folder(self, folder: str, load: Callable[[str], None]) -> tuple[Descriptor, str]:
        path = os.path.join(folder, f".gostitch-{os.getpid()}-{os.urandom(6).hex()}.so")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        file = Descriptor(os.open(path, flags, 0o700))
        try:
            self._copy_to(file.number())
            load(path)
        except BaseException:
            file.close()
            raise
        finally:
            os.unlink(path)
        return file, path

    def _fill(self, memory: int) -> None:
        """Have a file in memory hold the library; one of those who share it does that."""
        deadline = time.monotonic() + _WAIT_S
        # Sealed last, so a file that one began to fill and was killed is begun again.
        while not fcntl.fcntl(memory, _GET_SEALS) & _WRITE:
            try:
                # A lock of the process, which ends with it.
                fcntl.lockf(memory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)
                continue
            try:
                if not fcntl.fcntl(memory, _GET_SEALS) & _WRITE:
                    self._copy_to(memory)
                    fcntl.fcntl(memory, _ADD_SEALS, _SEAL | _SHRINK | _GROW | _WRITE)
            finally:
                fcntl.lockf(memory, fcntl.LOCK_UN)

    def _copy_to(self, target: int) -> None:
        opened = -1
        if self._file.is_there():
            source = self._file.number()
        else:
            source = opened = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size, done = os.fstat(source).st_size, 0
            os.ftruncate(target, 0)
            os.lseek(target, 0, os.SEEK_SET)
            while done < size:
                # With an offset, since the descriptor's own is shared with other processes.
                sent = os.sendfile(target, source, done, size - done)
                if sent == 0:
                    raise OSError("the library's file has become shorter")
                done += sent
        finally:
            if opened >= 0:
                os.close(opened)
