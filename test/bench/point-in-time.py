"""The same training set in polars: reads the Parquet files of a folder, writes one.

    python point-in-time.py FOLDER ENGINE      ENGINE is streaming or in-memory
"""

import json
import resource
import sys
import warnings

import polars as pl

folder, engine = sys.argv[1:3]
# join_asof cannot check that rows are sorted within groups; they are.
warnings.simplefilter("ignore")
rows = pl.scan_parquet(f"{folder}/spine.parquet").with_columns(day=pl.col("event_time").dt.date()).sort("day")
for name in ("first", "second", "third"):
    view = pl.scan_parquet(f"{folder}/{name}.parquet").rename({"feature_date": f"{name}_date"}).sort(f"{name}_date")
    rows = rows.join_asof(view, left_on="day", right_on=f"{name}_date", by="customer_id", strategy="backward")
rows.collect(engine=engine).write_parquet(f"{folder}/theirs.parquet", compression="zstd")
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpuMs": 1e3 * (used.ru_utime + used.ru_stime), "peakMb": used.ru_maxrss / 1024}))
