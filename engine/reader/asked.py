"""What the user says of documents, and what was taken for granted of them or left out on the way in."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.reader.columns import Columns
from engine.tables.spelling import Order


@dataclass(frozen=True)
class Asked:
    """What the user says of tables, and what there is to say to the user.

    Attributes
    ----------
    columns
        Which columns hold what, as far as the user says.
    dates
        How dates such as 01/02/2025 are read, where the column of a table leaves it open.
    notes
        What was taken for granted, a sentence each.
    left_out
        (source, reason) of each row and each file that could not be read.
    told
        Which columns of a file hold what, a sentence by the name of each file.
    """

    columns: Columns = field(default_factory=Columns)
    dates: Order | None = None
    notes: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
