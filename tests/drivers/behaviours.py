"""Runs the behaviours of one Python driver and prints a line for each: `ok NAME` or
`not ok NAME: why`. The names are the rows of README.md."""

import asyncio
import datetime as dt
import decimal
import inspect
import sys
import traceback
import uuid

# a column of each type with a value that is easy to get wrong
COLUMNS = (
    ("b", "bool", True),
    ("i2", "int2", -32768),
    ("i4", "int4", 2147483647),
    ("i8", "int8", -9223372036854775808),
    ("f4", "float4", 1.5),
    ("f8", "float8", 0.1),
    ("n", "numeric(12,4)", decimal.Decimal("-12345.6700")),
    ("t", "text", "naïve 'quoted' \\ text"),
    ("v", "varchar(10)", "ten chars!"),
    ("c", "char(5)", "ab   "),
    ("y", "bytea", b"\x00\x01\xff'\\"),
    ("d", "date", dt.date(2024, 2, 29)),
    ("ti", "time", dt.time(23, 59, 59, 999999)),
    ("ts", "timestamp", dt.datetime(1999, 12, 31, 23, 59, 59, 123456)),
    ("tz", "timestamptz", dt.datetime(2024, 6, 1, 12, 0, tzinfo=dt.timezone.utc)),
    ("iv", "interval", dt.timedelta(days=3, hours=4, microseconds=5)),
    ("u", "uuid", uuid.UUID("12345678-1234-5678-1234-567812345678")),
    ("j", "json", {"a": [1, None, "x"]}),
    ("jb", "jsonb", {"b": {"c": True}}),
)
DEFINITION = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
ARRAYS = ([1, None, 3], ["a", 'quo"te', "com,ma", None, ""], [0.5, -1.25], [])
TEXTS = ("žluťoučký kůň", "日本語", "🪁🐦", "e\u0301", " \t\n", "back\\slash")
# runs for hours unless somebody stops it
SLOW = (
    "SELECT count(*) FROM generate_series(1, 100000) AS a(x), generate_series(1, 1000000) AS b(y)"
    " WHERE (x + y) % 7 = 1"
)
# three columns (int8, text, float8) as COPY writes them
COPY_TEXT = "1\ttab\\tnew\\nline\t0.5\n2\t\\N\t-1\n"
COPY_CSV = '1,"com,ma ""quoted""",0.5\n2,,-1\n'

_all = []


def behaviour(function):
    """Marks a function as the behaviour of its name."""
    _all.append(function)
    return function


def same(got, expected):
    """Fails unless both are equal and of one type."""
    if got != expected or type(got) is not type(expected):
        raise AssertionError(f"got {got!r}, expected {expected!r}")


def fails(kind, sqlstate, action):
    """Fails unless the action raises the driver's error with the SQLSTATE; returns the error."""
    try:
        action()
    except kind as error:
        same(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None), sqlstate)
        return error
    raise AssertionError(f"no error, expected {sqlstate}")


def run(connect):
    """Gives each behaviour a fresh connection (`connect()`, perhaps a coroutine)."""
    if inspect.iscoroutinefunction(connect):
        asyncio.run(_run_async(connect))
        return
    for function in _all:
        try:
            connection = connect()
            try:
                function(connection)
            finally:
                connection.close()
            _report(function.__name__, None)
        except Exception as error:
            _report(function.__name__, error)


async def _run_async(connect):
    for function in _all:
        try:
            connection = await asyncio.wait_for(connect(), 30)
            try:
                await asyncio.wait_for(function(connection), 60)
            finally:
                await connection.close(timeout=5)
            _report(function.__name__, None)
        except Exception as error:
            _report(function.__name__, error)


def _report(name, error):
    if error is None:
        print(f"ok {name}", flush=True)
        return
    why = " ".join(f"{type(error).__name__}: {error}".split())
    at = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == sys.argv[0]]
    print(f"not ok {name}: {why} (line {at[-1] if at else '?'})", flush=True)
