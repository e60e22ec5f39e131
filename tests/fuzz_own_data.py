"""Fuzz observations files and calibration files: counts of what became of them.

    python tests/fuzz_own_data.py observations 2000
    python tests/fuzz_own_data.py calibrations 500

Each file is a sound one with some bytes, cells or values spoilt. What is no success and no
refusal in flowsim's own words is a traceback; what takes more than ten seconds is a hang.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from flowsim.calibration import read_calibration
from flowsim.data.rows import template
from flowsim.errors import FlowsimError
from flowsim.scenario import load
from flowsim.scenario.files import shipped
from flowsim.scenario.observing import check_table

HANG = 10.0
CELLS = (
    *("", " ", "-", "nan", "inf", "-inf", "1e999", "1e-400", "0", "-0", "-5", "1,234", "1.234,5"),
    *(
        "8 000",
        "8\u00a0000",
        "٣",
        "½",
        "0x10",
        "1_000",
        "=1+1",
        "@SUM(A1)",
        "#REF!",
        "TRUE",
        "null",
    ),
    *("2022-09-31", "2022-13-01", "02.10.2022", "2/10/2022", "44836", "2022-10-02T24:00", "soon"),
    *(
        "2022-10-02T00:00Z",
        "0000-00-00",
        "9999-12-31",
        "10000-01-01",
        "12:00",
        "\u202eGE",
        "a\u0007b",
    ),
    *("GE", "GE-LARS", "RU", "RU-MOW", "ge", "crossings", "crossings/day", "percent", "entries"),
    *("queue_cars", "../../etc/passwd", '"', "'", "\\", "x" * 5000, "\ufeff", "\u200b", "<script>"),
)
VALUES = (
    *("soon", "-1", "0", ".nan", ".inf", "-.inf", "1e999", "[]", "{}", "[1]", "[1, 2, 3]", "null"),
    *(
        "true",
        "''",
        "../../x",
        "2022-09-30",
        "2022-13-40",
        "9" * 50,
        "[2, 1]",
        "{a: b}",
        "\\x",
        "*a",
    ),
    *("[.nan, .nan]", "1_000", "0x1F", "!!python/object:os.system", "|", "x" * 3000, "&a 1", "- 1"),
)


def observations(rng: random.Random) -> bytes:
    """Spoil a table of published figures."""
    rows = [line.split(",") for line in template("observations").splitlines()]
    rows += [list(rows[1 + rng.randrange(2)]) for _ in range(rng.randrange(6))]
    for place, row in enumerate(rows[1:]):
        row[0] = f"X{place}"
    for _ in range(rng.randrange(6)):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice(CELLS)
    if rng.random() < 0.2:
        row = rng.choice(rows)
        row.insert(rng.randrange(len(row)), rng.choice(CELLS))
    if rng.random() < 0.1:
        del rng.choice(rows)[-rng.randrange(1, 4) :]
    separator = rng.choice([",", ",", ";", "\t", "|", ", "])
    end = rng.choice(["\n", "\r\n", "\r", "\n\n"])
    text = end.join(separator.join(row) for row in rows)
    if rng.random() < 0.2:
        text = f"sep={rng.choice([separator, ';', '', 'x', '=='])}{end}{text}"
    return spoilt(
        rng, text.encode(rng.choice(["utf-8"] * 4 + ["utf-8-sig", "utf-16", "cp1251"]), "replace")
    )


def calibrations(rng: random.Random) -> bytes:
    """Spoil the shipped calibration file."""
    lines = shipped("calibration")["september-2022"].read_text(encoding="utf-8").splitlines()
    for _ in range(rng.randrange(1, 5)):
        place = rng.randrange(len(lines))
        line = lines[place]
        kind = rng.random()
        if kind < 0.5 and ":" in line:
            spots = [n for n, letter in enumerate(line) if letter == ":"]
            lines[place] = f"{line[: rng.choice(spots)]}: {rng.choice(VALUES)}"
        elif kind < 0.65:
            del lines[place]
        elif kind < 0.75:
            lines.insert(place, rng.choice(lines))
        elif kind < 0.85:
            lines[place] = line.replace(" ", "\t", 1)
        else:
            numbers = [
                word
                for word in line.replace(",", " ").replace("]", " ").split()
                if word.strip("-.").isdigit()
            ]
            if numbers:
                lines[place] = line.replace(rng.choice(numbers), rng.choice(VALUES), 1)
    text = "\n".join(lines).encode()
    return spoilt(rng, text) if rng.random() < 0.15 else text


def spoilt(rng: random.Random, data: bytes) -> bytes:
    """Change, cut or repeat some bytes, now and then."""
    if rng.random() < 0.75:
        return data
    spot = rng.randrange(len(data) + 1)
    return rng.choice(
        [
            data[:spot],
            data[:spot] + bytes([rng.randrange(256)]) + data[spot + 1 :],
            data[:spot] + data[spot // 2 : spot] + data[spot:],
            data[:spot] + b'"' + data[spot:],
        ]
    )


def campaign(
    make: Callable[[random.Random], bytes], read: Callable[[Path], object], n: int, ending: str
) -> Counter[str]:
    """Make and read n files; count what became of them."""
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"fuzzed.{ending}")
        for seed in range(n):
            path.write_bytes(make(random.Random(seed)))
            began = time.monotonic()
            try:
                read(path)
                found["exit 0"] += 1
            except FlowsimError as error:
                found[f"exit {error.exit_code}"] += 1
                if any(not (letter.isprintable() or letter == "\n") for letter in str(error)):
                    found["control characters in a message"] += 1
                    print(f"seed {seed}: {str(error)[:200]!r}")
            except Exception as error:
                found["tracebacks"] += 1
                print(f"seed {seed}: {type(error).__name__}: {str(error)[:300]}")
            if time.monotonic() - began > HANG:
                found["hangs"] += 1
                print(f"seed {seed}: {time.monotonic() - began:.0f} s")
    return found


def main(what: str, n: int) -> Counter[str]:
    """Run a campaign by name."""
    scenario = load("september-2022")
    campaigns = {
        "observations": (observations, lambda path: check_table(path, scenario), "csv"),
        "calibrations": (calibrations, read_calibration, "yaml"),
    }
    make, read, ending = campaigns[what]
    return campaign(make, read, n, ending)


if __name__ == "__main__":
    counted = main(sys.argv[1], int(sys.argv[2]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print({"tracebacks": 0, "hangs": 0} | dict(counted), f"peak memory {peak:.0f} MB")
