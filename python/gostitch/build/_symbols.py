"""Put the names of a library's functions into a file of its own, and back into the library.

Profilers need them, calls do not. Our own code, since a build may have no other tools than Go and
zig, which cannot do this. It takes only what linkers write: sections that are loaded come first, so
the rest can go without a change to a number before it, and to a byte but for the build id.
gostitch's own build uses this module too, from ``python/native/shipped.py``.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

SUFFIX = ".debug"
"""What the name of the symbols file has more than that of the library, as debuggers expect."""

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")

_64_BITS_LITTLE_ENDIAN = b"\x7fELF\x02\x01\x01"
# Kinds of sections.
_PROGBITS, _SYMTAB, _STRTAB, _NOBITS, _DYNSYM, _VERSIONS = 1, 2, 3, 8, 11, 0x6FFFFFFE
_ALLOCATED, _EXECUTABLE, _INFO_IS_LINK = 0x2, 0x4, 0x40  # flags of sections
_FUNCTION = 2  # a kind of symbol
_ALIGNMENT = 8

_BUILD_ID, _DEBUG_LINK = b".note.gnu.build-id", b".gnu_debuglink"
_ID_SIZE = 20  # that of SHA-1, which tools expect
_ID_HEAD = struct.pack("<III", 4, _ID_SIZE, 3) + b"GNU\0"

LINKER_FLAGS = f"-Wl,--build-id=0x{'00' * _ID_SIZE}"
"""Have the C compiler's linker leave room for a build id."""


class SymbolsError(Exception):
    """Files that cannot be split or joined; the text says why."""


class _Section(NamedTuple):
    name: bytes
    kind: int
    flags: int = 0
    address: int = 0
    offset: int = 0
    size: int = 0
    link: int = 0
    info: int = 0
    alignment: int = 1
    entry: int = 0
    content: bytes | None = None  # None where it stays at its offset


class _Elf(NamedTuple):
    data: bytes
    header: tuple[Any, ...]
    loaded: list[_Section]  # with the empty one that each table begins with
    others: list[_Section]

    def content(self, section: _Section) -> bytes:
        return self.data[section.offset : section.offset + section.size]

    def named(self, name: bytes) -> bytes:
        """Return the bytes of a section; none if there is no such section."""
        return b"".join(self.content(at) for at in (*self.loaded, *self.others) if at.name == name)


def beside(library: Path) -> Path:
    """Return where the symbols of a library are."""
    return library.with_name(library.name + SUFFIX)


def split(library: bytes, name: str) -> tuple[bytes, bytes]:
    """Return a linked library without its symbols, and a file with those of its functions.

    ``name`` is the name of that file. Both get a build id that says what is in them, as that of
    the linker would tell of the paths which compilers leave for debuggers. Raises
    ``SymbolsError`` for a library that cannot be split.
    """
    elf = _read(library, "the library")
    table, names = _functions(elf)
    begin = bytearray(library[: _end(elf)])
    note = _identify(elf, begin, table, names)
    hollow = [note if at.name == _BUILD_ID else _hollow(at) for at in elf.loaded]
    symbols = _assemble(_without_segments(elf.header), b"", [*hollow, table, names])
    link = name.encode() + b"\0"
    link += bytes(-len(link) % 4) + struct.pack("<I", zlib.crc32(symbols))
    kept = [
        at._replace(content=elf.content(at))
        for at in elf.others
        if at.kind == _PROGBITS and not at.name.startswith((b".debug", _DEBUG_LINK))
    ]
    sections = [*elf.loaded, *kept, _Section(_DEBUG_LINK, _PROGBITS, alignment=4, content=link)]
    return _assemble(elf.header, begin, sections), symbols


def are_inside(library: bytes) -> bool:
    """Tell whether a library has its symbols inside; raises ``SymbolsError`` if it is none."""
    return any(at.kind == _SYMTAB for at in _read(library, "the library").others)


def join(library: bytes, symbols: bytes) -> bytes:
    """Return a library that was split with its symbols inside.

    Raises ``SymbolsError`` if the two do not belong together.
    """
    elf, of = _read(library, "the library"), _read(symbols, "the symbols file")
    link = elf.named(_DEBUG_LINK)
    if not link:
        raise SymbolsError("the library was built without symbols")
    if elf.named(_BUILD_ID) != of.named(_BUILD_ID):
        raise SymbolsError("the symbols file belongs to another build of the library")
    if link[-4:] != struct.pack("<I", zlib.crc32(symbols)):
        raise SymbolsError("the symbols file is damaged")
    kept = [at._replace(content=elf.content(at)) for at in elf.others if at.kind == _PROGBITS]
    # The names come right after their symbols, of which each says where.
    at = len(elf.loaded) + len(kept)
    table, names = (each._replace(content=of.content(each)) for each in of.others[:2])
    sections = [*elf.loaded, *kept, table._replace(link=at + 1), names]
    return _assemble(elf.header, library[: _end(elf)], sections)


def _read(data: bytes, what: str) -> _Elf:
    """Read the section table; raises ``SymbolsError`` for what is not laid out as expected."""
    if not data.startswith(_64_BITS_LITTLE_ENDIAN):
        raise SymbolsError(f"{what} is no ELF file of 64 bits, little endian")
    try:
        header = _HEADER.unpack_from(data)
        start, count, of_names = header[6], header[12], header[13]
        rows = [_SECTION.unpack_from(data, start + i * _SECTION.size) for i in range(count)]
        offset, size = rows[of_names][4:6]
        names = data[offset : offset + size]
        sections = [_Section(_text(names, row[0]), *row[1:]) for row in rows]
    except (struct.error, ValueError, IndexError, OverflowError) as error:
        raise SymbolsError(f"{what} is damaged, or has too many sections") from error
    for at in sections:
        if at.kind not in (0, _NOBITS) and at.offset + at.size > len(data):
            raise SymbolsError(f"{what} is cut off")
    first = next((i for i, at in enumerate(sections) if i and not at.flags & _ALLOCATED), count)
    loaded, others = sections[:first], sections[first:]
    if any(at.flags & _ALLOCATED for at in others) or any(_refers(at) >= first for at in loaded):
        raise SymbolsError(f"{what} has its sections in an order that no linker known here writes")
    return _Elf(data, header, loaded, others)


def _refers(section: _Section) -> int:
    """Return the highest number of a section that this one refers to."""
    return max(section.link, section.info if section.flags & _INFO_IS_LINK else 0)


def _text(names: bytes, offset: int) -> bytes:
    return names[offset : names.index(b"\0", offset)]


def _end(elf: _Elf) -> int:
    """Return where that ends which a loader reads."""
    start, size, count = elf.header[5], elf.header[9], elf.header[10]
    try:
        segments = [_SEGMENT.unpack_from(elf.data, start + i * _SEGMENT.size) for i in range(count)]
    except (struct.error, OverflowError) as error:
        raise SymbolsError("the library is cut off") from error
    ends = [segment[2] + segment[5] for segment in segments]
    ends += [at.offset + at.size for at in elf.loaded if at.kind not in (0, _NOBITS)]
    return int(max(_HEADER.size, start + count * _SEGMENT.size, *ends))


def _identify(elf: _Elf, begin: bytearray, *symbols: _Section) -> _Section:
    """Write the build id into what is loaded; gives its section, to stand elsewhere too."""
    note = next((at for at in elf.loaded if at.name == _BUILD_ID), None)
    if note is None or elf.content(note)[:-_ID_SIZE] != _ID_HEAD:
        raise SymbolsError(f"the library has no place for a build id of {_ID_SIZE} bytes")
    at = note.offset + len(_ID_HEAD)
    begin[at : at + _ID_SIZE] = bytes(_ID_SIZE)
    digest = hashlib.sha256(begin[_HEADER.size :])  # which tells of what goes
    for section in symbols:
        digest.update(section.content or b"")
    begin[at : at + _ID_SIZE] = digest.digest()[:_ID_SIZE]
    return note._replace(content=bytes(begin[note.offset : note.offset + note.size]))


def _hollow(section: _Section) -> _Section:
    """Return a section as it is where its bytes are elsewhere; its number and address stay."""
    if section.kind in (_STRTAB, _DYNSYM, _VERSIONS):
        # auditwheel takes the file for a library, and reads what that needs: nothing.
        return section._replace(offset=0, size=0, info=0)
    return section._replace(kind=_NOBITS) if section.kind else section


def _without_segments(header: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the header of a file that nobody loads."""
    return (*header[:5], 0, *header[6:9], 0, 0, *header[11:])


def _functions(elf: _Elf) -> tuple[_Section, _Section]:
    """Return a table of the functions alone, and their names."""
    table = next((at for at in elf.others if at.kind == _SYMTAB), None)
    if table is None:
        raise SymbolsError("the library has no symbols")
    code = {
        i for i, at in enumerate(elf.loaded) if at.kind == _PROGBITS and at.flags & _EXECUTABLE
    }
    try:
        names = elf.content(elf.others[table.link - len(elf.loaded)])
        kept, offsets, text = [_SYMBOL.pack(*[0] * 6)], {b"": 0}, bytearray(1)
        local = 1
        for name, kind, other, section, *rest in _SYMBOL.iter_unpack(elf.content(table)):
            if kind & 0xF == _FUNCTION and section in code:
                said = _text(names, name)
                if said not in offsets:
                    offsets[said] = len(text)
                    text += said + b"\0"
                kept.append(_SYMBOL.pack(offsets[said], kind, other, section, *rest))
                local += not kind >> 4  # these come first
    except (struct.error, ValueError, IndexError) as error:
        raise SymbolsError("the library has a damaged table of symbols") from error
    at = len(elf.loaded) + 1
    return (
        _Section(
            b".symtab", _SYMTAB, link=at, info=local, alignment=_ALIGNMENT, entry=_SYMBOL.size,
            content=b"".join(kept),
        ),
        _Section(b".strtab", _STRTAB, content=bytes(text)),
    )  # fmt: skip


def _assemble(
    header: tuple[Any, ...], kept: bytes | bytearray, sections: Sequence[_Section]
) -> bytes:
    """Return a file that begins as before, with the contents and the table of sections behind."""
    names, rows = bytearray(), []
    out = bytearray(kept or bytes(_HEADER.size))
    last = _Section(b".shstrtab", _STRTAB)
    for at in (*sections, last):
        at_name = len(names)
        names += at.name + b"\0"
        content = bytes(names) if at is last else at.content
        if content is not None:
            out += bytes(-len(out) % _ALIGNMENT)
            at = at._replace(offset=len(out), size=len(content))
            out += content
        rows.append(_SECTION.pack(at_name, *at[1:-1]))
    out += bytes(-len(out) % _ALIGNMENT)
    table = len(out)
    out += b"".join(rows)
    _HEADER.pack_into(
        out, 0, *header[:6], table, *header[7:11], _SECTION.size, len(rows), len(rows) - 1
    )
    return bytes(out)
