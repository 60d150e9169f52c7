"""A stand-in for curl that knows the options of the tour and refuses all others."""

import sys
from argparse import ArgumentParser, Namespace
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit


def main() -> int:
    """Send one request as curl would, and print its answer."""
    asked = _parser().parse_args()
    address = urlsplit(asked.url)
    connection = HTTPConnection(address.hostname or "", address.port or 80, timeout=60)
    path = f"{address.path}?{address.query}" if address.query else address.path
    headers = dict(line.split(": ", 1) for line in asked.header)
    body = None if asked.data is None else asked.data.encode()
    if body is not None:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    method = asked.request or ("GET" if body is None else "POST")
    connection.request(method, path, body=body, headers=headers)
    _print(connection.getresponse(), asked)
    return 0


def _print(answer: HTTPResponse, asked: Namespace) -> None:
    if asked.dump_header:
        sys.stdout.write(f"HTTP/1.1 {answer.status} {answer.reason}\r\n")
        sys.stdout.writelines(f"{name}: {value}\r\n" for name, value in answer.getheaders())
        sys.stdout.write("\r\n")
        sys.stdout.flush()
    if asked.output is None:
        sys.stdout.buffer.write(answer.read())
    else:
        asked.output.write_bytes(answer.read())


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="curl", add_help=False, allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-S", action="store_true")
    parser.add_argument("-X", dest="request")
    parser.add_argument("-H", dest="header", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("-D", dest="dump_header", choices=["-"])
    parser.add_argument("-o", dest="output", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
