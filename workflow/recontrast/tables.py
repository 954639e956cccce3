"""Tables as tab-separated text, read and written in one way."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from .errors import RecontrastError
from .images import write_text

MISSING = "n/a"  # as BIDS writes it


def read(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a table as text and check that it has some columns; `n/a` stays `n/a`.

    Raises:
        RecontrastError: no such file, not a table, or a column missing.
    """
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise RecontrastError("does not exist", file=path, remedy="check the path") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise RecontrastError(f"is not a table ({error})", file=path, remedy="make it again") from error
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise RecontrastError(f"lacks the columns {', '.join(missing)}", file=path, remedy="make it again")
    return table


def write(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table in one step; numbers with up to ten digits, what is missing as `n/a`."""
    write_text(
        path, table.to_csv(sep="\t", index=False, na_rep=MISSING, float_format="%.10g", lineterminator="\n")
    )
