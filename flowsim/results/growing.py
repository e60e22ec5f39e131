"""Tables of several replications: gathered in memory, or in files that grow in a folder.

By the hour a replication has some 700,000 rows. In a folder each goes to the disk as soon as it is
made, a row group of its own, so that two hundred take little more memory than one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from flowsim.errors import MachineError
from flowsim.results.folder import COMPRESSION, LOCK, arrow


class Gathered:
    """Tables by name, to which parts are added; to be closed.

    Parameters
    ----------
    folder : Path or None
        Where tables grow as files; None keeps all in memory.
    growing : collection of str
        Names of the tables that do.

    Attributes
    ----------
    files : dict of str to Path
        The tables that grew, by the name that their file is to have.
    """

    def __init__(self, folder: Path | None, growing: Collection[str]) -> None:
        self._folder, self._growing = folder, growing if folder else ()
        self._parts: dict[str, list[pd.DataFrame]] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.files: dict[str, Path] = {}

    def add(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Add the tables of one replication.

        Parameters
        ----------
        tables : mapping of str to DataFrame
            By name; whatever is not of the growing ones stays in memory.

        Raises
        ------
        MachineError
            If the disk refuses.
        """
        try:
            for name, table in tables.items():
                if name in self._growing:
                    self._grow(name, table)
                    table = table.iloc[:0].copy()  # a slice would keep all its rows
                self._parts.setdefault(name, []).append(table)
        except OSError as reason:
            raise MachineError(
                f"{self._folder} could not be written: {reason.strerror}; run it again"
            ) from None

    def _grow(self, name: str, table: pd.DataFrame) -> None:
        rows = arrow(table)
        if name not in self._writers:
            path = Path(self._folder or "", f"{LOCK}-{name}.parquet")
            self.files[f"{name}.parquet"] = path
            self._writers[name] = pq.ParquetWriter(path, rows.schema, compression=COMPRESSION)
        self._writers[name].write_table(rows)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Finish the files and return the tables.

        Returns
        -------
        dict of str to DataFrame
            By name; of those in files the columns without any rows.
        """
        for writer in self._writers.values():
            writer.close()
        return {name: pd.concat(parts, ignore_index=True) for name, parts in self._parts.items()}

    def close(self) -> None:
        """Finish the files and remove those that are still here."""
        for writer in self._writers.values():
            writer.close()
        for path in self.files.values():
            path.unlink(missing_ok=True)
