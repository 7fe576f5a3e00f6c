"""One engine for a test: a statement as a JSON line in, its rows as a JSON line out, until standard input ends.

usage: engine.py spark|trino PLACES.json CATALOG.db
"""
import json
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "services"))


def open_engine(kind, places, scratch, catalog):
    if kind == "spark":
        from spark_engine import Spark

        return Spark(places["jars"], scratch, scratch, places["sparkJava"], catalog)
    from trino_engine import Trino

    return Trino(places["trino"], places["trinoJava"], scratch, catalog)


def main(kind, places, catalog):
    scratch = tempfile.mkdtemp(prefix="esteira-java-")
    engine = None
    try:
        engine = open_engine(kind, json.loads(pathlib.Path(places).read_text()), scratch, catalog)
        say({"ready": kind})
        for line in sys.stdin:
            try:
                say({"rows": engine.run(json.loads(line)["sql"])})
            except Exception as error:  # the engine's own words go to the test
                say({"error": str(error).split("\n\tat ")[0][:3000]})
    finally:
        if engine is not None:
            engine.close()
        shutil.rmtree(scratch, ignore_errors=True)


def say(answer):
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
