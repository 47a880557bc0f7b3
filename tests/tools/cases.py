"""What the Python tools' programs share: a case is a function, run in the order of the file, that
fails by an exception; each prints a line, `ok NAME` or `not ok NAME: why`."""

import importlib.metadata
import os
import sys
import traceback

HOST = os.environ.get("PGHOST", "127.0.0.1")
PORT = int(os.environ.get("PGPORT", "5432"))
USER = os.environ.get("PGUSER", "redkite")
PASSWORD = os.environ.get("PGPASSWORD", "redkite")
DATABASE = os.environ.get("PGDATABASE", "redkite")

_cases = []


def url(scheme):
    """The connection as an URL with this scheme."""
    from urllib.parse import quote

    return f"{scheme}://{quote(USER)}:{quote(PASSWORD)}@{HOST}:{PORT}/{DATABASE}"


def case(function):
    """Marks a function as the case of its name."""
    _cases.append(function)
    return function


def same(got, expected):
    """Fails unless both are equal."""
    if got != expected:
        raise AssertionError(f"got {got!r}, expected {expected!r}")


def raises(kinds, action):
    """Fails unless the action raises one of the errors; returns it."""
    try:
        action()
    except kinds as error:
        return error
    raise AssertionError("no error")


def run(package, between=None):
    """Runs all cases, after each `between`; says first which version of the package this is."""
    print(f"version {importlib.metadata.version(package)}", flush=True)
    for function in _cases:
        try:
            function()
            print(f"ok {function.__name__}", flush=True)
        except Exception as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            here = [f.lineno for f in traceback.extract_tb(error.__traceback__)
                    if f.filename == sys.argv[0]]
            at = f" (line {here[-1]})" if here else ""
            print(f"not ok {function.__name__}: {why[:600]}{at}", flush=True)
            if os.environ.get("CASES_TRACE"):
                traceback.print_exc()
        if between:
            between()
