"""tasks.fetch by the best Python has: aiohttp on uvloop."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.contenders import output
from benchmarks.work import Work

CONNECTIONS = 16


def fetch(listing: str, folder: str) -> Work:
    """Download many files."""
    items = json.loads(Path(listing).read_text(encoding="utf-8"))

    def download(tree: Path) -> None:
        uvloop.run(download_all(items, str(tree)))

    return output.fetching(download, folder)


async def download_all(items: list[dict[str, str]], root: str) -> None:
    """Let so many workers take items until there are none."""
    left = iter(items)
    made: set[str] = set()
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

        async def worker() -> None:
            for item in left:
                async with session.get(item["url"]) as response:
                    response.raise_for_status()
                    content = await response.read()
                keep(content, item, root, made)

        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))


def keep(content: bytes, item: dict[str, str], root: str, made: set[str]) -> None:
    """Write one file, which appears complete and right; small files need no thread."""
    if hashlib.sha256(content).hexdigest() != item["digest"]:
        raise OSError(f"{item['url']} has another digest")
    path = f"{root}/{item['path']}"
    folder, name = os.path.split(path)
    if folder not in made:
        os.makedirs(folder, exist_ok=True)
        made.add(folder)
    partial = f"{folder}/.{name}.part"
    with open(partial, "wb", buffering=0) as file:
        file.write(content)
    os.replace(partial, path)
