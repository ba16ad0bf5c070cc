"""What the five seed documents say, and a small SIMULATED market whose moves on the quoted days are the quoted moves."""

from seeds.catalogue import document, documents, events, facts

__all__ = ["document", "documents", "events", "facts"]
