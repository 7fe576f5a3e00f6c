"""A single-node Trino on the loopback interface, started, asked over its HTTP protocol and stopped.

Its catalog `files` registers tables by location and keeps its own metastore; `esteira` is a catalog.db (JDBC catalog).
"""
import datetime as dt
import decimal
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid

from canonical import Pairs, sorted_rows

READY_SECONDS = 300
ICEBERG = """connector.name=iceberg
iceberg.register-table-procedure.enabled=true
iceberg.metadata-cache.enabled=false
iceberg.expire-snapshots.min-retention=0s
iceberg.remove-orphan-files.min-retention=0s
fs.hadoop.enabled=true
"""
JVM = """-server
-Xmx2G
-XX:+UseG1GC
-XX:+ExitOnOutOfMemoryError
-XX:-OmitStackTraceInFastThrow
-XX:ReservedCodeCacheSize=256M
-Djdk.attach.allowAttachSelf=true
-Djdk.nio.maxCachedBufferSize=2000000
-Dfile.encoding=UTF-8
-Duser.timezone=UTC
-XX:+EnableDynamicAgentLoading
--enable-native-access=ALL-UNNAMED
--sun-misc-unsafe-memory-access=allow
"""


class Trino:
    def __init__(self, server, java_home, scratch, sqlite_catalog=None):
        self.scratch = pathlib.Path(scratch)
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        etc = self.scratch / "etc"
        _write_configuration(etc, self.scratch, port, sqlite_catalog)
        self.log = open(self.scratch / "server.log", "wb")
        self.process = subprocess.Popen(
            [f"{server}/bin/launcher", "run", f"--etc-dir={etc}", f"--data-dir={self.scratch}/data"],
            env={**os.environ, "JAVA_HOME": java_home, "PATH": f"{java_home}/bin:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def run(self, sql):
        """A statement; its rows, in canonical form."""
        headers = {
            "X-Trino-User": "test",
            "X-Trino-Time-Zone": "UTC",
            "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
        }
        answer = _request(f"{self.url}/v1/statement", sql.encode(), headers)
        columns, rows = [], []
        while True:
            if "error" in answer:
                raise RuntimeError(f"{answer['error']['errorName']}: {answer['error'].get('message')}\n{sql[:500]}")
            columns = answer.get("columns") or columns
            rows += answer.get("data") or []
            if "nextUri" not in answer:
                break
            answer = _request(answer["nextUri"], None, headers)
        types = [_parse_type(column["typeSignature"]) for column in columns]
        names = [column["name"] for column in columns]
        return sorted_rows({n: _value(v, t) for n, v, t in zip(names, row, types)} for row in rows)

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()

    def _wait_until_ready(self):
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                # The server says it is ready before it has a worker: only a distributed query tells.
                if self.run("SELECT count(*) AS n FROM tpch.tiny.nation") == [{"n": 25}]:
                    return
            except (RuntimeError, OSError):
                pass
            time.sleep(0.5)
        self.log.flush()
        tail = (self.scratch / "server.log").read_text(errors="replace")[-3000:]
        raise RuntimeError(f"Trino did not start:\n{tail}")


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _write_configuration(etc, scratch, port, sqlite_catalog):
    (etc / "catalog").mkdir(parents=True)
    (etc / "node.properties").write_text(
        f"node.environment=test\nnode.id=test\nnode.data-dir={scratch}/data\n"
        "node.internal-address=127.0.0.1\nnode.bind-ip=127.0.0.1\n"
    )
    (etc / "config.properties").write_text(
        "coordinator=true\nnode-scheduler.include-coordinator=true\n"
        f"http-server.http.port={port}\ndiscovery.uri=http://127.0.0.1:{port}\n"
        "query.max-memory=1GB\nquery.max-memory-per-node=600MB\ncatalog.management=static\n"
    )
    (etc / "jvm.config").write_text(JVM)
    (etc / "log.properties").write_text("io.trino=WARN\n")
    (etc / "catalog" / "tpch.properties").write_text("connector.name=tpch\n")
    (etc / "catalog" / "files.properties").write_text(
        f"{ICEBERG}iceberg.catalog.type=TESTING_FILE_METASTORE\nhive.metastore.catalog.dir=file://{scratch}/metastore\n"
    )
    if sqlite_catalog is not None:
        (etc / "catalog" / "esteira.properties").write_text(
            f"{ICEBERG}iceberg.catalog.type=jdbc\niceberg.jdbc-catalog.catalog-name=esteira\n"
            "iceberg.jdbc-catalog.driver-class=org.sqlite.JDBC\n"
            f"iceberg.jdbc-catalog.connection-url=jdbc:sqlite:{sqlite_catalog}\n"
            f"iceberg.jdbc-catalog.default-warehouse-dir=file://{scratch}/jdbc\n"
            "iceberg.jdbc-catalog.schema-version=V1\n"
        )


def _request(url, data, headers):
    for attempt in range(20):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=300) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (502, 503, 504):
                raise RuntimeError(f"HTTP {error.code}: {error.read()[:500]!r}") from error
            time.sleep(0.1 * (attempt + 1))
    raise RuntimeError(f"{url} stayed unavailable")


def _parse_type(signature):
    """(raw type, its arguments) of Trino's type signature."""
    arguments = []
    for argument in signature.get("arguments", []):
        value = argument["value"]
        if argument["kind"] == "TYPE":
            arguments.append(_parse_type(value))
        elif argument["kind"] == "NAMED_TYPE":
            arguments.append((value["fieldName"]["name"], _parse_type(value["typeSignature"])))
    return signature["rawType"], arguments


def _value(value, kind):
    raw, arguments = kind
    if value is None:
        return None
    if raw == "row":
        return {name: _value(v, t) for v, (name, t) in zip(value, arguments)}
    if raw == "array":
        return [_value(v, arguments[0]) for v in value]
    if raw == "map":
        return Pairs((_value(_key(k, arguments[0]), arguments[0]), _value(v, arguments[1])) for k, v in value.items())
    if raw in ("double", "real"):
        return _single(float(value)) if raw == "real" else float(value)
    if raw == "decimal":
        return decimal.Decimal(value)
    if raw == "date":
        return dt.date.fromisoformat(value)
    if raw == "time":
        return dt.time.fromisoformat(value)
    if raw == "timestamp":
        return _instant(value)
    if raw == "timestamp with time zone":
        return _instant(value.removesuffix(" UTC")).replace(tzinfo=dt.timezone.utc)
    if raw == "uuid":
        return uuid.UUID(value)
    if raw == "varbinary":
        import base64

        return base64.b64decode(value)
    return value


def _key(text, kind):
    """Keys of maps come as text, as JSON has no other."""
    return int(text) if kind[0] in ("integer", "bigint") else text


def _instant(text):
    day, clock = text.split(" ")
    clock = re.sub(r"\.(\d+)$", lambda m: "." + m[1][:6].ljust(6, "0"), clock)
    return dt.datetime.fromisoformat(f"{day} {clock}")


def _single(value):
    """The shortest text of a float stands for the float's own value."""
    import struct

    return struct.unpack("f", struct.pack("f", value))[0]
