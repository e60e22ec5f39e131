"""Tables of folders with different places, destinations and documents open in one call."""

from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import flowsim

EXAMPLES = Path(__file__).parent.parent / "scenarios" / "examples"
NAMES = ("daily", "hourly", "outcomes")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Runs of two countries: 3 and 83 regions, 4 and 33 crossings."""
    root = tmp_path_factory.mktemp("results")
    short = ["horizon.end=2031-03-17", "policies.checks_at_the_bridge.from=2031-03-12"]
    flowsim.run(EXAMPLES / "arkland.yaml", changes=short, sample=0.02, out=root / "arkland")
    flowsim.run("september-2022", sample=0.0005, out=root / "september-2022")
    return root


@pytest.mark.parametrize("name", NAMES)
def test_schemas_do_not_depend_on_how_many_places_there_are(folders, name):
    one, other = (pq.read_schema(path) for path in sorted(folders.glob(f"*/{name}.parquet")))
    assert one.remove_metadata().equals(other.remove_metadata())


@pytest.mark.parametrize("name", NAMES)
def test_pyarrow_and_pandas_open_both_folders_in_one_call(folders, name):
    paths = [str(path) for path in sorted(folders.glob(f"*/{name}.parquet"))]
    sizes = [pq.read_metadata(path).num_rows for path in paths]
    table = ds.dataset(paths, format="parquet").to_table()
    assert table.num_rows == sum(sizes)
    assert set(table["scenario"].unique().to_pylist()) == {"arkland", "september-2022"}
    assert len(pd.read_parquet(paths)) == sum(sizes)
    whole = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    assert whole["scenario"].nunique() == 2
    kept = ds.dataset(paths).to_table(filter=ds.field("scenario") == "arkland")
    assert kept.num_rows == sizes[0]
