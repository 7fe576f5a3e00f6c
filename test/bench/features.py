"""The customer feature view at one date in polars: reads one Parquet file, writes one.

    python features.py SOURCE OUT DATE ENGINE      ENGINE is streaming or in-memory

Windows are columns that are null outside of the window, so that every aggregate is a plain one: the fastest form found. Money is
summed as decimals, as the definition of the view wants it; the rest is done in doubles.
"""

import datetime
import json
import resource
import sys

import polars as pl

source, out, day, engine = sys.argv[1:5]
as_of = datetime.date.fromisoformat(day)
key = "customer_id"
silver = pl.scan_parquet(source).filter(~pl.col("is_refund"))
age = (pl.lit(as_of) - pl.col("local_ts").dt.date()).dt.total_days().cast(pl.Int16)
events = silver.filter(
    pl.col("local_ts") < as_of, pl.col("local_ts") >= as_of - datetime.timedelta(days=365)
).with_columns(age=age, money=pl.col("amount"), amount=pl.col("amount").cast(pl.Float64))
within = {n: pl.col("age") <= n for n in (7, 30, 90)}
quarter = events.filter(within[90])


def aggregate() -> pl.LazyFrame:
    weekday = pl.col("local_ts").dt.weekday()
    wide = events.with_columns(
        *[pl.when(within[n]).then(pl.col("amount")).alias(f"a{n}") for n in within],
        *[pl.when(within[n]).then(pl.col("money")).alias(f"m{n}") for n in within],
        weekend=pl.when(within[90]).then(weekday >= 6),
        same_month=pl.col("local_ts").dt.month() == as_of.month,
        block=pl.when(pl.col("age") <= 91).then((pl.col("age") - 1) // 7),
    )
    first = silver.select(pl.col("local_ts").dt.date().min().alias("first"))
    windows = []
    for n in within:
        a = pl.col(f"a{n}")
        windows += [
            a.count().cast(pl.Int64).alias(f"total_transactions_{n}d"),
            pl.when(a.count() > 0)
            .then(pl.col(f"m{n}").sum().cast(pl.Float64) / a.count())
            .alias(f"avg_transaction_value_{n}d"),
            a.max().alias(f"max_transaction_value_{n}d"),
            a.min().alias(f"min_transaction_value_{n}d"),
            a.std().alias(f"std_transaction_value_{n}d"),
        ]
    grouped = wide.group_by(key).agg(
        *windows,
        pl.len().cast(pl.Int64).alias("total_transactions_365d"),
        pl.col("money").sum().cast(pl.Float64).alias("total_value_365d"),
        pl.col("age").min().cast(pl.Int32).alias("days_since_last_transaction"),
        pl.col("weekend").mean().alias("transactions_weekend_ratio"),
        pl.col("same_month").sum().alias("in_month"),
        pl.col("block").drop_nulls().n_unique().alias("blocks"),
        pl.col("age").n_unique().alias("days"),
        (pl.col("age").max() - pl.col("age").min()).alias("span"),
    )
    last, gaps = pl.col("days_since_last_transaction"), pl.col("days") - 1
    return (
        grouped.join(first, how="cross")
        .with_columns(
            monthly_seasonality=pl.when((pl.lit(as_of) - pl.col("first")).dt.total_days() >= 365).then(
                12 * pl.col("in_month") / pl.col("total_transactions_365d")
            ),
            engagement_score=pl.col("blocks") / 13,
            churn_score=pl.when(gaps >= 1).then(
                pl.min_horizontal(1.0, last / (3 * pl.col("span") / gaps))
            ),
        )
        .drop("in_month", "blocks", "days", "span", "first")
    )


def most_frequent(column: str, name: str, last_wins: bool) -> pl.LazyFrame:
    counted = quarter.filter(pl.col(column).is_not_null()).group_by(key, column)
    counted = counted.agg(pl.len().alias("n"), pl.col("local_ts").max().alias("last"))
    by = ["n", "last", column] if last_wins else ["n", column]
    placed = counted.sort(by, descending=[name != column for name in by])
    return placed.unique(key, keep="first", maintain_order=True).select(key, pl.col(column).alias(name))


def score(of: pl.Expr) -> pl.Expr:
    fifths = (5 * (of.rank("min").cast(pl.Int64) - 1)) // pl.max_horizontal(pl.len().cast(pl.Int64) - 1, 1)
    return (1 + pl.min_horizontal(4, fifths)).cast(pl.Int32)


quarter = quarter.with_columns(hour=pl.col("local_ts").dt.hour().cast(pl.Int32))
features = (
    aggregate()
    .join(most_frequent("category", "preferred_category", True), on=key, how="left")
    .join(most_frequent("payment_method", "preferred_payment_method", True), on=key, how="left")
    .join(most_frequent("hour", "peak_hour_transactions", False), on=key, how="left")
    .with_columns(
        recency_score=score(-pl.col("days_since_last_transaction")),
        frequency_score=score(pl.col("total_transactions_365d")),
        monetary_score=score(pl.col("total_value_365d")),
    )
    .with_columns(
        customer_segment=pl.when(pl.col("monetary_score") == 5)
        .then(pl.lit("premium"))
        .when(pl.col("monetary_score") >= 3)
        .then(pl.lit("regular"))
        .otherwise(pl.lit("bronze")),
        feature_date=pl.lit(as_of),
    )
)
features.collect(engine=engine).write_parquet(out, compression="zstd")
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpuMs": 1e3 * (used.ru_utime + used.ru_stime), "peakMb": used.ru_maxrss / 1024}))
