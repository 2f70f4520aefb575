"""The demo, as a user runs it."""

import re
import signal
import subprocess
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from demo import main
from pynector.concurrency.patterns import retry_pauses_off

BACKENDS = ["asyncio", "trio", pytest.param("uvloop", marks=pytest.mark.skipif("sys.platform == 'win32'"))]


@pytest.fixture
def command(program):
    """How a program of its own is started; what it warns of is an error."""
    return [sys.executable, "-W", "error", "-u", program]


@pytest.fixture
def run(capsys):
    """Runs it here; gives the exit code and what was printed."""
    handler = signal.getsignal(signal.SIGINT)

    def run(*arguments):
        with retry_pauses_off():
            code = main([str(argument) for argument in arguments])
        return code, capsys.readouterr().out

    yield run
    signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_made_up_site_is_crawled_and_what_was_broken_on_purpose_is_found(command, backend):
    arguments = ["--pages", "60", "--backend", backend]
    ended = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.match(rf"crawling http://127.0.0.1:\d+ on {backend}\n\d+ of \d+ pages", ended.stdout)
    assert re.search(rf"^  pages        61 visited in .* s on {backend}$", ended.stdout, re.MULTILINE)
    retries, timeouts = re.search(r"(\d+) retries, (\d+) of them after a time-out", ended.stdout).groups()
    assert (int(retries) >= 3, int(timeouts) >= 1) == (True, True)
    assert "broken       3, 3 expected\n" in ended.stdout
    assert "\x1b" not in ended.stdout  # no terminal, so no picture


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to be sent there")
@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_ends_it_with_the_summary_so_far(command, backend):
    arguments = ["--backend", backend]
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith("crawling")
        assert re.match(r"\d+ of \d+ pages", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)

    assert (process.returncode, errors) == (130, "")
    assert "interrupted\n" in output
    assert re.search(rf"^  pages        \d+ visited in .* s on {backend}$", output, re.MULTILINE)
    assert re.search(r"^  not visited  \d+ that were found$", output, re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to be sent there")
@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_again_and_again_while_it_ends_changes_nothing(command, backend):
    arguments = ["--backend", backend]
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith("crawling")
        assert re.match(r"\d+ of \d+ pages", process.stdout.readline())
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        output, errors = process.communicate()

    assert (process.returncode, errors) == (130, "")
    assert "interrupted\n" in output
    assert output.count("closing connections") <= 1


def test_connections_are_reused_and_no_more_are_opened_than_needed(run):
    # None of these pages breaks a connection.
    code, output = run("--pages", 30, "--connections", 2, "--timeout", 30)

    assert code == 0
    assert "  connections  2 opened, 30 times reused\n" in output


def test_a_folder_without_a_broken_link_is_well(run, folder):
    pages = folder(index="<a href=about.html#me>", about="<p id=me>", lonely="<a href=/>")

    code, output = run("--folder", pages)

    assert code == 0
    assert "3 visited in" in output


def test_broken_links_and_anchors_in_a_folder_are_told_and_are_a_failure(run, folder):
    code, output = run(
        "--folder", folder(index="<a href=about.html#you><a href=gone.html>", about="<p id=me>")
    )

    assert code == 1
    anchor = r"^broken: \S+/about.html#you: no such anchor on the page; linked from \S+/$"
    assert re.search(anchor, output, re.MULTILINE)
    assert re.search(r"^broken: \S+/gone.html: answers 404; linked from \S+/$", output, re.MULTILINE)


def test_a_broken_link_on_a_page_that_nothing_links_to_is_told(run, folder):
    code, output = run("--folder", folder(index="<p>", lonely="<a href=gone.html>"))

    assert code == 1
    assert "gone.html" in output


def test_a_folder_is_visited_up_to_the_limit_which_is_told(run, folder):
    code, output = run("--folder", folder(index="<p>", about="<p>"), "--pages", 1)

    assert code == 0
    assert "  not visited  all beyond the first 1 that were found\n" in output


class Handler(BaseHTTPRequestHandler):
    """One page, with a link to itself, by a server that is not ours."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"<a href='/sub/page?q=1'>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_site_that_is_there_is_crawled_from_the_page_given(run):
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        code, output = run("--url", f"http://127.0.0.1:{server.server_port}/sub/page?q=1")
        server.shutdown()
        thread.join()

    assert code == 0
    assert "1 visited in" in output


def test_a_site_that_is_not_there_is_a_failure_that_says_so(run):
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        origin = f"http://127.0.0.1:{server.server_port}"

    code, output = run("--url", origin)

    assert code == 1
    assert f"broken: {origin}/: " in output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--pages", "0"], "must be >= 1, not 0"),
        (["--backend", "curio"], "invalid choice: 'curio'"),
        (["--folder", "missing"], "missing is no folder"),
        (["--url", "ftp://a.test"], "url must begin with http:// or https:// and a host, not 'ftp://a.test'"),
        (["--url", "http://a.test", "--folder", "."], "not allowed with"),
        (["--timeout", "-1"], "must be > 0, not -1"),
    ],
)
def test_wrong_arguments_are_refused(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_help_tells_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])

    told = capsys.readouterr().out
    assert [code for code in ("  0  ", "  1  ", "  2  ", "  130  ") if code not in told] == []
