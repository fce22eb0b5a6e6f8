"""Random call trees over the boundary: a seed gives a tree, and what its trace must look like."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

DEPTH = 6
NODES = 24

# How Python does what is below a span of Python's, and what it calls Go for.
IN_PYTHON = ("sync", "thread", "executor", "task")
INTO_GO = ("call", "submit", "await", "stream")
# How Go does what is below a span of Go's; "ask" comes back to Python.
IN_GO = ("inline", "goroutine", "ask")

VALUES = ("plain", "zoë", "a b", "1,2;3=4", "50 %", '"quoted"\\', "+", "€/?")


@dataclass
class Node:
    """One span of a known name; or a call of Go, whose span has the function's name."""

    name: str
    how: str
    member: tuple[str, str] | None = None  # an entry that is added to the baggage for it
    below: list[Node] = field(default_factory=list)

    @property
    def is_call(self) -> bool:
        """Whether it is a call of Go."""
        return self.how in INTO_GO

    @property
    def in_python(self) -> bool:
        """Whether its span is one of Python's."""
        return self.how in ("root", "fork", "ask", *IN_PYTHON)


def tree(seed: int) -> Node:
    """Give the tree of a seed."""
    return _Growth(seed).root


class _Growth:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._seed = seed
        self._count = 0
        self._forks = 0
        self.root = Node(f"{seed}.root", "root", ("seed", str(seed)))
        self._grow(self.root, 1)

    def _node(self, how: str) -> Node:
        self._count += 1
        member = None
        if self._random.random() < 0.2 and how not in INTO_GO:
            key = f"k{self._random.randrange(4)}"
            member = (key, self._random.choice(VALUES))
        return Node(f"{self._seed}.{self._count}.{how}", how, member)

    def _grow(self, above: Node, depth: int) -> None:
        for _ in range(self._random.randint(1, 3)):
            if self._count >= NODES:
                return
            node = self._node(self._how(above, depth))
            above.below.append(node)
            if depth < DEPTH - 1:
                self._grow(node, depth + 1)
            if node.is_call and not node.below:  # its span is known by what is below
                node.below.append(self._node("inline"))

    def _how(self, above: Node, depth: int) -> str:
        if above.how == "stream" or self._only_spans(above):
            return self._random.choice(("inline", "goroutine"))
        if above.in_python:
            if depth < DEPTH - 1 and self._random.random() < 0.55:
                return self._random.choice(INTO_GO)
            if not self._forks and self._random.random() < 0.1:
                self._forks += 1
                return "fork"
            return self._random.choice(IN_PYTHON)
        return self._random.choice(IN_GO)

    def _only_spans(self, above: Node) -> bool:
        """Tell whether it is part of a stream, which asks nobody."""
        return any(
            above in list(_all(stream)) for stream in _all(self.root) if stream.how == "stream"
        )


def _all(node: Node) -> Iterator[Node]:
    yield node
    for each in node.below:
        yield from _all(each)


def all_nodes(node: Node, above: Node | None = None) -> Iterator[tuple[Node, Node | None]]:
    """Give each node with the one above it."""
    yield node, above
    for each in node.below:
        yield from all_nodes(each, node)


def members_of(root: Node) -> dict[str, dict[str, str]]:
    """Give the baggage that each node must see, by name."""
    found: dict[str, dict[str, str]] = {}

    def walk(node: Node, members: dict[str, str]) -> None:
        here = members | dict([node.member] if node.member else [])
        found[node.name] = here
        for each in node.below:
            walk(each, here)

    walk(root, {})
    return found
