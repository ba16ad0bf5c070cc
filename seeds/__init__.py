"""What the five seed documents say, and a small SIMULATED market that moves on the quoted days as they quote."""

from seeds.catalogue import document, documents, events, facts
from seeds.simulation import LABEL, market

__all__ = ["LABEL", "document", "documents", "events", "facts", "market"]
