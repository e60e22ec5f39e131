"""The house stays small and its arrows point downwards: ``tests/structure.py`` counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from structure import House, circles, floors, n_arrows, read

ROOMS, FLOORS, ARROWS = 19, 12, 89
BODIES = {0.5: 6, 0.9: 19, 1.0: 52}
LONGEST_FILE = 400
LINES = 27_000  # of the whole; what needs more takes something out, or raises it and says why


@pytest.fixture(scope="module")
def house() -> House:
    return read()


def test_rooms_floors_and_arrows_are_few(house: House):
    assert len(house.rooms) <= ROOMS
    assert max(floors(house.rooms).values()) <= FLOORS
    assert n_arrows(house.rooms) <= ARROWS


def test_no_imports_lead_back(house: House):
    assert circles(house.rooms) == []
    assert circles(house.modules) == []


@pytest.mark.parametrize(("share", "most"), BODIES.items())
def test_bodies_are_short(house: House, share: float, most: int):
    assert house.body(share) <= most


def test_the_whole_does_not_grow_unnoticed(house: House):
    assert sum(file.lines for file in house.files) <= LINES


def test_files_are_short(house: House):
    assert [file.name for file in house.files if file.lines > LONGEST_FILE] == []


def test_the_count_sees_every_kind_of_import(tmp_path: Path):
    package = tmp_path / "house"
    files = {
        "__init__.py": '"""A package."""\n',
        "roof/__init__.py": "from house import hall\n",
        "hall.py": "def f():\n    '''D.'''\n    import house.cellar.wine\n\n    return 1  # one\n",
        "cellar/wine.py": "if TYPE_CHECKING:\n    from house.cellar import beer\n",
        "cellar/beer.py": "from house.cellar.wine import red\nimport numpy\n",
        "cellar/__init__.py": "",
    }
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text, encoding="utf-8")
    small = read(package)
    assert small.rooms == {
        "__init__.py": set(),
        "roof": {"hall.py"},
        "hall.py": {"cellar"},
        "cellar": set(),
    }
    assert floors(small.rooms) == {"__init__.py": 1, "roof": 3, "hall.py": 2, "cellar": 1}
    assert circles(small.rooms) == []
    assert circles(small.modules) == [["cellar/beer.py", "cellar/wine.py"]]
    assert {file.name: file.lines for file in small.files}["hall.py"] == 3
    assert small.bodies == [2]
