"""Lets the API reference link to Python's and AnyIO's without asking a server for their inventories.

A file in `inventories/` opens with the address of a site; each further line is a page, a role, and the
names that the page documents. Only names that we link to need to be there.
"""

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

HEADER = b"""\
# Sphinx inventory version 2
# Project: foreign
# Version: 0
# The remainder of this file is compressed using zlib.
"""


def entries(lines: list[str]) -> Iterator[str]:
    """One line of a Sphinx inventory for each name; its `$` stands for the name itself."""
    for line in lines:
        page, role, *names = line.split()
        yield from (f"{name} {role} 1 {page}#$ -\n" for name in names)


def pack(listing: Path, cache: Path) -> dict[str, str]:
    """Write the inventory of one listing, and say where it is and what its links begin with."""
    base_url, *lines = listing.read_text(encoding="utf-8").splitlines()
    content = HEADER + zlib.compress("".join(entries(lines)).encode())
    # mkdocstrings keeps what it read under the address: a changed inventory needs another one.
    inventory = cache / f"{listing.stem}-{hashlib.sha256(content).hexdigest()[:12]}.inv"
    inventory.parent.mkdir(parents=True, exist_ok=True)
    inventory.write_bytes(content)
    return {"url": inventory.as_uri(), "base_url": base_url}


def pack_all(listings: Path, cache: Path) -> list[dict[str, str]]:
    return [pack(listing, cache) for listing in sorted(listings.glob("*.txt"))]
