"""The command line."""

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from importlib.util import find_spec
from pathlib import Path

from .target import Target

EXIT_CODES = """\
exit codes:
  0    every link leads somewhere; on the made-up site, all but those that are broken on purpose
  1    a link is broken that should not be
  2    wrong arguments
  130  ended by Ctrl-C; the summary tells what was found so far
"""


class Options:
    """The arguments, and what they say is to be crawled."""

    backend: str
    connections: int
    folder: Path | None
    pages: int | None
    rate: float | None
    record: Path | None
    timeout: float | None
    url: str | None
    target: Target


def parse(arguments: list[str] | None, description: str | None) -> Options:
    """Read the arguments; where they are wrong, say so and exit."""
    parser = ArgumentParser(
        prog="demo", description=description, epilog=EXIT_CODES, formatter_class=RawDescriptionHelpFormatter
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="crawl the site that has this page; its host is never left")
    where.add_argument(
        "--folder", type=Path, help="crawl the HTML files of this folder, served on the loopback"
    )
    parser.add_argument("--backend", choices=["asyncio", "uvloop", "trio"], default="asyncio")
    parser.add_argument(
        "--pages",
        metavar="N",
        type=count,
        help="pages to make up, or the most to visit (1000; a folder: all)",
    )
    parser.add_argument(
        "--connections", metavar="N", type=count, default=16, help="connections at a time (16)"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=amount, help="seconds for each attempt (10; made-up site: 1)"
    )
    parser.add_argument(
        "--rate", metavar="N", type=amount, help="requests a second at most (with --url: 20; else: no limit)"
    )
    parser.add_argument(
        "--record", metavar="FILE", type=Path, help="write a line of JSON for each page to this file"
    )
    options = parser.parse_args(arguments, Options())
    if options.backend == "uvloop" and find_spec("uvloop") is None:
        parser.error("uvloop is not installed")
    try:
        options.target = target_of(options)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return options


def target_of(options: Options) -> Target:
    if options.url is not None:
        return Target.at(options.url, limit=options.pages or 1000)
    if options.folder is not None:
        return Target.in_folder(options.folder, limit=options.pages)
    return Target.made_up(options.pages or 1000)


def count(text: str) -> int:
    """An argument that counts something."""
    if (number := int(text)) < 1:
        raise ArgumentTypeError(f"must be >= 1, not {number}")
    return number


def amount(text: str) -> float:
    """An argument of which there must be some."""
    if not (number := float(text)) > 0:
        raise ArgumentTypeError(f"must be > 0, not {number:g}")
    return number
