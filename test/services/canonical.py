"""One plain JSON form for the values of every engine, so that rows can be compared as texts.

Numbers that JSON would spoil are text: longs beyond 53 bits, decimals with their scale, NaN and infinities by name, times in ISO form with microseconds, bytes in hexadecimal, maps as sorted pairs.
"""
import datetime as dt
import decimal
import json
import math
import uuid


def canonical(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        zone = "" if value.tzinfo is None else "Z"
        wall = value if value.tzinfo is None else value.astimezone(dt.timezone.utc).replace(tzinfo=None)
        return wall.isoformat(sep=" ", timespec="microseconds") + zone
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, (bytes, bytearray)):
        return "hex:" + bytes(value).hex()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Pairs):
        pairs = [[canonical(k), canonical(v)] for k, v in value]
        return sorted(pairs, key=lambda pair: json.dumps(pair, sort_keys=True))
    if isinstance(value, dict):
        return {name: canonical(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(v) for v in value]
    raise TypeError(f"no canonical form for {type(value)}")


class Pairs(list):
    """The entries of a map."""


def sorted_rows(rows):
    """Rows (name to value) in an order that does not depend on the engine."""
    return sorted((canonical(row) for row in rows), key=lambda row: json.dumps(row, sort_keys=True))


def arrow_rows(table):
    """Canonical rows of an Arrow table."""
    import pyarrow as pa

    def of(value, kind):
        if value is None:
            return None
        if pa.types.is_map(kind):
            return Pairs((of(k, kind.key_type), of(v, kind.item_type)) for k, v in value)
        if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
            return [of(v, kind.value_type) for v in value]
        if pa.types.is_struct(kind):
            return {f.name: of(value[f.name], f.type) for f in kind}
        return value

    columns = {f.name: [of(v, f.type) for v in table[f.name].to_pylist()] for f in table.schema}
    return sorted_rows({name: values[i] for name, values in columns.items()} for i in range(table.num_rows))
