"""Count the house: rooms, floors, arrows, circles, lines of code. ``python tests/structure.py``.

A room is a folder or file directly under ``flowsim``. An arrow leads from one room to another that
it imports from, wherever the import stands: within functions and under ``TYPE_CHECKING`` as well.
A floor is one more than the highest floor of what the room imports from. Lines of code are lines
that hold more than blanks, comments and docstrings; those of a body do not count its signature.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "flowsim"
_NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
Graph = dict[str, set[str]]


@dataclass(frozen=True)
class File:
    """A source file: its room, the files it imports from, its lines of code, its bodies'."""

    name: str
    room: str
    imports: frozenset[str]
    lines: int
    bodies: tuple[int, ...]


@dataclass(frozen=True)
class House:
    """Everything counted."""

    files: list[File]

    @property
    def modules(self) -> Graph:
        """Which file imports from which."""
        return {file.name: set(file.imports) for file in self.files}

    @property
    def rooms(self) -> Graph:
        """Which room imports from which other."""
        room_of = {file.name: file.room for file in self.files}
        rooms: Graph = {file.room: set() for file in self.files}
        for file in self.files:
            rooms[file.room] |= {room_of[name] for name in file.imports} - {file.room}
        return rooms

    @property
    def bodies(self) -> list[int]:
        """Lines of code of all bodies, the shortest first."""
        return sorted(n for file in self.files for n in file.bodies)

    def body(self, share: float) -> int:
        """Return the length that this share of all bodies does not exceed."""
        return self.bodies[min(int(share * len(self.bodies)), len(self.bodies) - 1)]


def read(package: Path = PACKAGE) -> House:
    """Read every file of a package."""
    paths = sorted(package.rglob("*.py"))
    names = {_dotted(path, package): str(path.relative_to(package)) for path in paths}
    return House([_file(path, package, names) for path in paths])


def _dotted(path: Path, package: Path) -> str:
    """Write a file's name as imports do."""
    parts = (package.name, *path.relative_to(package).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _file(path: Path, package: Path, names: Mapping[str, str]) -> File:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    code = _lines_of_code(text, tree)
    name = str(path.relative_to(package))
    found = {names[dotted] for dotted in _imported(tree, names)} - {name}
    return File(
        name, name.split("/")[0], frozenset(found), len(code), tuple(_body_lengths(tree, code))
    )


def _imported(tree: ast.AST, names: Mapping[str, str]) -> Iterator[str]:
    """Find the modules of the package that a file imports from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module in names:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if module in names else node.module


def _lines_of_code(text: str, tree: ast.AST) -> set[int]:
    """Return the numbers of the lines that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def _body_lengths(tree: ast.AST, code: set[int]) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if body:
                yield len(code & set(range(body[0].lineno, body[-1].end_lineno + 1)))


def circles(graph: Graph) -> list[list[str]]:
    """Find the groups of nodes that lead back to themselves."""
    below = {node: _reached(graph, node) for node in graph}
    tied = {node: frozenset(n for n in below[node] if node in below[n]) for node in graph}
    return sorted(sorted(group) for group in set(tied.values()) if group)


def _reached(graph: Graph, start: str) -> set[str]:
    """Find every node that arrows lead to from one."""
    reached: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        node = ahead.pop()
        if node not in reached:
            reached.add(node)
            ahead += graph[node]
    return reached


def floors(rooms: Graph) -> dict[str, int]:
    """Number the floors from the ground, 1; rooms in a circle stand on one floor."""
    group = {room: (room,) for room in rooms} | {
        room: tuple(circle) for circle in circles(rooms) for room in circle
    }
    below = {
        group[room]: {group[r] for g in group[room] for r in rooms[g]} - {group[room]}
        for room in rooms
    }
    floor: dict[tuple[str, ...], int] = {}
    for node in TopologicalSorter(below).static_order():
        floor[node] = 1 + max((floor[n] for n in below[node]), default=0)
    return {room: floor[group[room]] for room in rooms}


def n_arrows(rooms: Graph) -> int:
    """Count the arrows between rooms."""
    return sum(map(len, rooms.values()))


def table(house: House) -> str:
    """Write everything counted as a table, the top floor first."""
    rooms, floor = house.rooms, floors(house.rooms)
    lines = [f"{'floor':>5}  {'room':14} {'files':>5} {'lines':>6} {'longest':>7}  imports from"]
    for room in sorted(rooms, key=lambda room: (-floor[room], room)):
        files = [file for file in house.files if file.room == room]
        longest = max(file.lines for file in files)
        lines.append(
            f"{floor[room]:5}  {room:14} {len(files):5} {sum(f.lines for f in files):6} "
            f"{longest:7}  {' '.join(sorted(rooms[room]))}"
        )
    return "\n".join([*lines, "", *_totals(house)])


def _totals(house: House) -> Iterable[str]:
    rooms, longest = house.rooms, max(house.files, key=lambda file: file.lines)
    yield f"{len(rooms)} rooms, {max(floors(rooms).values())} floors, {n_arrows(rooms)} arrows"
    yield f"circles of rooms: {_named(circles(rooms))}"
    yield f"circles of files: {_named(circles(house.modules))}"
    yield (
        f"{sum(file.lines for file in house.files):,} lines of code in {len(house.files)} files, "
        f"the longest {longest.name} ({longest.lines})"
    )
    half, most, all_ = (house.body(share) for share in (0.5, 0.9, 1.0))
    yield f"bodies: half up to {half} lines, nine in ten up to {most}, all up to {all_}"


def _named(found: list[list[str]]) -> str:
    return "; ".join(" - ".join(circle) for circle in found) or "none"


if __name__ == "__main__":
    print(table(read()))
