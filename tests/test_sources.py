"""The data tables say what the sources say, and damage to them is reported."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from flowsim.data import sources, tables
from flowsim.errors import DataError
from flowsim.scenario import load, shipped
from flowsim.scenario.places import Crossing
from flowsim.scenario.quantity import AGE_BANDS

CITED = re.compile(r"\b(GE|KZ|LA|FSB|DR|CU|FI|MN|XB|TO)(\d{3})(?:-(?:\1)?(\d{3}))?\b")


def test_the_regions_hold_39_58_million_men_in_order_of_their_codes():
    regions = sources.regions()
    assert regions.men.shape == (83, len(AGE_BANDS))
    assert regions.men.dtype == np.int64
    assert regions.men.sum() == pytest.approx(39.58e6, rel=1e-4)
    assert list(regions.code) == sorted(set(regions.code))
    assert not {"UA-43", "UA-40", "RU-CR", "RU-SEV"} & set(regions.code)


def test_the_national_passport_share_and_call_up_are_the_published_ones():
    """Passports 0.30 over men 18-59; call-up 300,000 less the two regions left out."""
    regions = sources.regions()
    men = regions.men.sum(axis=1)
    assert np.average(regions.passport_share, weights=men) == pytest.approx(0.30, abs=0.005)
    assert 290_000 < regions.called_up.sum() < 300_000


def test_tables_cannot_be_changed_by_a_reader():
    with pytest.raises(ValueError, match="read-only"):
        sources.regions().men[0, 0] = 1
    with pytest.raises(TypeError):
        sources.road_km()["RU-MOW", "GE-LARS"] = 0.0  # type: ignore[index]
    sources.crossings()["GE-LARS"]["name"] = "elsewhere"
    assert sources.crossings()["GE-LARS"]["name"] == "Verkhny Lars"


def test_road_distances_exist_for_every_connected_region_and_road_crossing():
    regions = sources.regions()
    roads = [name for name, row in sources.crossings().items() if row["kind"] == "road"]
    connected = {code for code, on in zip(regions.code, regions.road_connected, strict=True) if on}
    assert set(sources.road_km()) == {(region, road) for region in connected for road in roads}
    assert sources.road_km()["RU-MOW", "GE-LARS"] == 1841


def test_each_shipped_crossing_is_a_crossing_of_the_schema():
    crossings = sources.crossings()
    assert len(crossings) == 31
    for row in crossings.values():
        crossing = Crossing.model_validate(row, strict=True)
        assert crossing.capacity.source.startswith("data: crossings.csv, ")


def test_the_groups_are_those_of_the_published_figures():
    groups: dict[str, set[str]] = {}
    for name, row in sources.crossings().items():
        groups.setdefault(row.get("group", ""), set()).add(name)
    assert groups["KZ-NORTH"] == {"KZ-PETUKHOVO", "KZ-KAZANSKOYE", "KZ-ISILKUL", "KZ-ODESSKOYE"}
    assert len(groups["KZ-WEST"]) == 6
    assert len(groups["KZ-PAVLODAR"]) == 4


def test_each_observation_that_is_compared_has_a_place_that_all_exits_knows():
    scenario = load("all-exits")
    places = {"RU", *sources.regions().code, *scenario.crossings}
    places |= {place.code for place in scenario.destinations.values()}
    places |= {crossing.group for crossing in scenario.crossings.values() if crossing.group}
    for seen in sources.observations():
        assert seen.low <= seen.value <= seen.high, seen.id
        if seen.role != "context":
            assert seen.place_id in places, seen.id
            assert seen.window_start is not None
            assert seen.window_end is not None
            assert seen.window_start <= seen.window_end


def test_the_inputs_among_the_observations_are_marked():
    inputs = {seen.id for seen in sources.observations() if seen.is_input}
    assert inputs == {
        *(f"GE{n:03}" for n in range(1, 11)),
        *("KZ001", "DR001", "LA026", "LA053", "LA056", "CU002", "CU003", "CU004"),
        *(f"KZ{n:03}" for n in range(48, 53)),
        *("FI906", "FI011", "FI012", "FI013", "MN901", "MN902", "NO905", "NO906"),
    }


@pytest.mark.parametrize("name", shipped())
def test_each_figure_that_a_scenario_cites_is_in_the_table(name):
    known = {seen.id for seen in sources.observations()}
    for series, first, last in CITED.findall(shipped()[name].read_text(encoding="utf-8")):
        for number in range(int(first), int(last or first) + 1):
            assert f"{series}{number:03}" in known


def test_the_destinations_agree_with_the_scenarios():
    facts = {row.code: row for row in sources.destinations()}
    for name, destination in load("more-destinations").destinations.items():
        fact = facts[destination.code]
        assert fact.name_en.lower() == name
        offset = destination.utc_offset_h
        begins = next(iter(offset.values())) if isinstance(offset, dict) else offset
        assert fact.utc_offset_h == begins
        assert fact.international_passport_required == destination.requires_passport


def test_the_timeline_runs_forward_with_a_source_for_each_event():
    events = tables.shipped("timeline").rows
    dates = [date.fromisoformat(event["date"]) for event in events]
    assert dates == sorted(dates)
    assert all(event["source_url"].startswith("http") for event in events)


def test_there_is_an_outline_for_every_region():
    outlines = sources.outlines()
    ids = {shape["id"] for shape in outlines.regions["features"]}
    assert ids == set(sources.regions().code)
    assert {"GEO", "KAZ", "FIN", "MNG"} <= {one["id"] for one in outlines.neighbours["features"]}


@pytest.fixture
def damaged(monkeypatch):
    """Replace the text of one data file, for one test."""

    def damage(name: str, old: str, new: str) -> None:
        whole = tables.read_text(name)
        assert old in whole
        monkeypatch.setattr(tables, "read_text", lambda _: whole.replace(old, new, 1))
        _forget()

    yield damage
    _forget()


def _forget() -> None:
    for reader in (tables.shipped, sources.regions, sources.road_km, sources.observations):
        reader.cache_clear()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "18.429",
            "many",
            r"regions.csv:2: men_18_24_thousands: found 'many'; expected a num",
        ),
        (
            "0.2551",
            "1.2551",
            r"regions.csv:2: higher_education_share: found '1.2551'; expected a share",
        ),
        (
            "natural earth,1,18.429",
            "natural earth,perhaps,18.429",
            r"regions.csv:2: .* expected 0 or 1",
        ),
        (",18.429", "", r"regions.csv:2: 23 cells; expected 24"),
        ("RU-AD", "RU-ZZ", r"regions.csv: 83 rows; expected 83 different codes in order"),
        (",called_up,", ",other,", r"regions.csv:1: there is no column called_up"),
        ("RU-AD,", '"RU-AD', r"regions.csv:\d+: unexpected end of data"),
    ],
)
def test_damage_is_reported_with_file_and_line(damaged, old, new, message):
    damaged("regions.csv", old, new)
    with pytest.raises(DataError, match=message):
        sources.regions()


def test_an_observation_without_window_cannot_be_compared(damaged):
    damaged("observations.csv", "2022-09-17T00:00,2022-09-18T00:00,4", ",,4")
    with pytest.raises(DataError, match=r"observations.csv:2: window_start: found nothing"):
        sources.observations()


def test_a_missing_file_says_to_install_again(monkeypatch, tmp_path):
    monkeypatch.setattr(tables, "files", lambda _: tmp_path)
    with pytest.raises(DataError, match=r"data/timeline.csv cannot be read .*; install flowsim"):
        tables.read_text("timeline.csv")


def test_text_that_is_not_utf_8_is_refused(monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "timeline.csv").write_bytes(b"date\n\xff")
    monkeypatch.setattr(tables, "files", lambda _: tmp_path)
    with pytest.raises(DataError, match=r"timeline.csv is not UTF-8 text \(byte 5\)"):
        tables.read_text("timeline.csv")


def test_an_outline_that_is_not_json_is_refused(monkeypatch):
    for text in ("{", "[]", "{}", '{"features": []}'):
        monkeypatch.setattr(tables, "read_text", lambda _, text=text: text)
        with pytest.raises(DataError, match=r"russia_regions.geojson is damaged"):
            sources.outlines()


def test_licences_and_sources_are_named_for_every_table():
    data = Path(sources.__file__).parent
    licences = (data.parent.parent / "LICENSE-data").read_text(encoding="utf-8")
    readme = (data / "README.md").read_text(encoding="utf-8")
    for table in [*data.glob("*.csv"), *data.glob("geo/*.geojson")]:
        assert table.name in licences
        assert table.name in readme
