"""A local Spark with Iceberg's runtime, its Hadoop catalog `files` over a folder and a JDBC catalog over catalog.db."""
import datetime as dt
import decimal
import os

from canonical import Pairs, sorted_rows


class Spark:
    def __init__(self, jars, warehouse, scratch, java_home, sqlite_catalog=None):
        os.environ["TZ"] = "UTC"  # collected timestamps are wall clocks of the process
        os.environ["JAVA_HOME"] = java_home
        from pyspark.sql import SparkSession

        settings = {
            "spark.jars": ",".join(jars),
            "spark.ui.enabled": "false",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": "1g",
            "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -Dderby.system.home={scratch}",
            "spark.local.dir": str(scratch),
            "spark.sql.warehouse.dir": os.path.join(scratch, "warehouse"),
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.catalog.files": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.files.type": "hadoop",
            "spark.sql.catalog.files.warehouse": f"file://{warehouse}",
            "spark.sql.catalog.files.cache-enabled": "false",
            # Tables of any location: the Hadoop catalog registers none.
            "spark.sql.catalog.any": "org.apache.iceberg.spark.SparkCatalog",
            **_sqlite_catalog("any", f"{scratch}/any.db", warehouse),
        }
        if sqlite_catalog is not None:
            settings |= {
                "spark.sql.catalog.esteira": "org.apache.iceberg.spark.SparkCatalog",
                **_sqlite_catalog("esteira", sqlite_catalog, warehouse),
                # Without this, Spark keeps a read lock on the file from its first look at it to the end of the session (it
                # leaves the list of the file's tables open), and nobody else can commit.
                "spark.sql.catalog.esteira.jdbc.init-catalog-tables": "false",
            }
        builder = SparkSession.builder.master("local[2]").appName("iceberg")
        for name, value in settings.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")

    def run(self, sql):
        """A statement; its rows, in canonical form."""
        frame = self.session.sql(sql)
        return sorted_rows(_value(row, frame.schema) for row in frame.collect())

    def close(self):
        self.session.stop()


def _sqlite_catalog(name, file, warehouse):
    settings = {
        "catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        "uri": f"jdbc:sqlite:{file}",
        "warehouse": f"file://{warehouse}",
        "jdbc.schema-version": "V1",
        "cache-enabled": "false",
    }
    return {f"spark.sql.catalog.{name}.{key}": value for key, value in settings.items()}


def _value(value, kind):
    from pyspark.sql import types as t

    if value is None:
        return None
    if isinstance(kind, t.StructType):
        return {f.name: _value(value[i], f.dataType) for i, f in enumerate(kind.fields)}
    if isinstance(kind, t.ArrayType):
        return [_value(v, kind.elementType) for v in value]
    if isinstance(kind, t.MapType):
        return Pairs((_value(k, kind.keyType), _value(v, kind.valueType)) for k, v in value.items())
    if isinstance(kind, t.DecimalType):
        return value.quantize(decimal.Decimal(1).scaleb(-kind.scale), context=decimal.Context(prec=50))
    if isinstance(kind, t.TimestampType):
        return value.replace(tzinfo=dt.timezone.utc)
    return value
