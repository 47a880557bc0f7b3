#!/usr/bin/env python3
"""Redkite's data objects are Parquet that others read as they are.

    python3 tests/format/duckdb_reads.py FOLDER [--query SQL --answer TEXT]

Reads every *.parquet below FOLDER (a server's object folder, or what
`REDKITE_FORMAT_EXAMPLE=DIR cargo test --lib segment::write -- --ignored example` wrote) with
DuckDB and with pyarrow, and checks that
  - both give the same rows,
  - columns have readable names, and field ids,
  - vectors are uncompressed lists of float without a dictionary,
  - the footer has Redkite's entry.
SQL may use the view `rows` (all files together); its one value must print as TEXT.
Needs: pip install duckdb pyarrow. Ends non-zero when a check fails.
"""
import argparse
import json
import pathlib
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def fail(path, what):
    sys.exit(f"{path}: {what}")


def plain(value):
    """The value in a form that both readers share."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if hasattr(value, "bytes"):  # DuckDB may give a UUID
        return value.bytes
    return value


def check(path):
    parquet = pq.ParquetFile(path)
    if not path.read_bytes().startswith(b"PAR1"):
        fail(path, "no Parquet magic")
    entry = json.loads(parquet.metadata.metadata[b"redkite"])
    if entry["version"] != 1 or len(entry["groups"]) != parquet.metadata.num_row_groups:
        fail(path, "Redkite's footer entry does not fit")
    for field in parquet.schema_arrow:
        if b"PARQUET:field_id" not in (field.metadata or {}):
            fail(path, f"column {field.name} has no field id")
        is_vector = pa.types.is_fixed_size_list(field.type) and pa.types.is_float32(
            field.type.value_type
        )
        if is_vector:
            check_vector_chunks(path, parquet, field.name)
    ours = parquet.read().to_pylist()
    theirs = duckdb.execute("SELECT * FROM read_parquet(?)", [str(path)])
    names = [column[0] for column in theirs.description]
    count = 0
    for mine, other in zip(ours, theirs.fetchall(), strict=True):
        other = dict(zip(names, other))
        for name in names:
            if plain(mine[name]) != plain(other[name]) and mine[name] == mine[name]:
                fail(path, f"column {name}: {mine[name]!r} is {other[name]!r} in DuckDB")
        count += 1
    return count


def check_vector_chunks(path, parquet, name):
    for group in range(parquet.metadata.num_row_groups):
        row_group = parquet.metadata.row_group(group)
        for index in range(row_group.num_columns):
            chunk = row_group.column(index)
            if chunk.path_in_schema.split(".")[0] != name:
                continue
            if chunk.compression != "UNCOMPRESSED" or chunk.has_dictionary_page:
                fail(path, f"vectors of {name} are compressed or have a dictionary")
            if "PLAIN" not in chunk.encodings:
                fail(path, f"vectors of {name} are {chunk.encodings}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--query")
    parser.add_argument("--answer")
    arguments = parser.parse_args()
    files = sorted(arguments.folder.rglob("*.parquet"))
    if not files:
        fail(arguments.folder, "no Parquet files")
    rows = sum(check(path) for path in files)
    if arguments.query:
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
        duckdb.execute(f"CREATE VIEW rows AS FROM read_parquet([{listed}], union_by_name => true)")
        answer = str(duckdb.execute(arguments.query).fetchone()[0])
        if answer != arguments.answer:
            fail(arguments.folder, f"{arguments.query} is {answer}, not {arguments.answer}")
    print(f"{len(files)} files, {rows} rows: DuckDB and pyarrow agree")


if __name__ == "__main__":
    main()
