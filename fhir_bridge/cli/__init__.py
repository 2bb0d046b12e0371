"""The command line: `serve`, `sandbox`, `check`, `explain`; parses arguments, calls the rest, prints."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Sequence

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C stopped before it was done, as shells give it: 128 + SIGINT."""

UNREAD = 141
"""The exit status of a command whose output nobody reads any more: 128 + SIGPIPE."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 problems found, 2 wrong use or configuration."""
    _print_anything()
    options = _parser().parse_args(_headers_first(sys.argv[1:] if arguments is None else arguments))
    try:
        status = _run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever reads the output has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    return status


def _run(options: argparse.Namespace) -> int:
    from fhir_bridge.mapping.source import MappingFileError

    try:
        status: int = options.run(options)
    except MappingFileError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return 2
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        print(*(f"fhir-bridge: {line}" for line in _lines(error)), sep="\n", file=sys.stderr)
        return 2
    return status


def _lines(error: ValueError | OSError) -> list[str]:
    """What was wrong, one line for each problem; of a file, its name and the system's reason."""
    if isinstance(error, OSError) and error.filename is not None:
        return [f"{error.filename}: {error.strerror}"]
    return str(error).splitlines()


def _print_anything() -> None:
    """A terminal that cannot show a letter shows its number; it does not stop the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="fhir-bridge", description="A FHIR facade in front of partner APIs that do not speak FHIR.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    sandbox = commands.add_parser("sandbox", help="four simulated partners and the bridge in front of them")
    sandbox.add_argument("--port", type=_port, default=8080, help="the bridge's port on 127.0.0.1 (8080)")
    sandbox.set_defaults(run=_sandbox)

    serve = commands.add_parser("serve", help="the bridge in front of the configured partners")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=_port, default=8080, help="the port to listen on (8080)")
    serve.add_argument("--workers", type=_workers, default=1, help="how many processes serve (1)")
    serve.add_argument("--allow-anonymous", action="store_true", help="serve an address that others reach, to anybody")
    serve.set_defaults(run=_serve)

    check = commands.add_parser("check", help="read mappings and profiles, and print every problem")
    check.add_argument("folder", nargs="?", help="the mapping files (FHIR_BRIDGE_MAPPINGS, else those that ship)")
    check.set_defaults(run=_check)

    explain = commands.add_parser("explain", help="show what a request would send to the partner; makes no call")
    explain.add_argument("method", help="GET, PUT, PATCH or POST")
    explain.add_argument("url", help="the address: /fhir/<base>/<type>/<id>")
    explain.add_argument("body", nargs="?", help="the body: a file, JSON text, or - for standard input")
    explain.add_argument("-H", "--header", action="append", default=[], help="'Name: value', may be repeated")
    explain.set_defaults(run=_explain)
    return parser


def _headers_first(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `explain` with its headers first; curl takes them anywhere, argparse does not."""
    if list(arguments[:1]) != ["explain"]:
        return list(arguments)
    headers: list[str] = []
    others: list[str] = []
    coming = iter(arguments[1:])
    for each in coming:
        if each in ("-H", "--header") and (value := next(coming, None)) is not None:
            headers.append(f"--header={value}")
        else:
            (headers if each.startswith(("-H", "--header=")) and each != "-H" else others).append(each)
    return ["explain", *headers, *others]


class _Parser(argparse.ArgumentParser):
    """Wrong use is one line on stderr, exit 2."""

    def error(self, message: str) -> None:  # type: ignore[override]  # exit() does not return
        # Python 3.11 puts each choice in quotes, 3.12 does not.
        message = re.sub(r"\(choose from .*\)", lambda choices: choices[0].replace("'", ""), message)
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port; give a number from 0 to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of processes; give 1 or more")
    return int(text)


# Each command imports what it needs: `--help` and `check` need no server.
def _sandbox(options: argparse.Namespace) -> int:
    from fhir_bridge.cli.sandboxing import sandbox

    return sandbox(options.port)


def _serve(options: argparse.Namespace) -> int:
    from fhir_bridge.cli.serving import serve

    return serve(options.host, options.port, options.workers, allow_anonymous=options.allow_anonymous)


def _check(options: argparse.Namespace) -> int:
    from fhir_bridge.cli.checking import check

    return check(options.folder)


def _explain(options: argparse.Namespace) -> int:
    from fhir_bridge.cli.explaining import explain

    return explain(options.method, options.url, options.body, options.header)
