"""What the five seed documents say, and a small SIMULATED market that moves on the quoted days as they quote."""

from seeds.catalogue import DIGESTS, SIDECAR, document, documents, events, facts
from seeds.simulation import LABEL, market

__all__ = ["DIGESTS", "LABEL", "SIDECAR", "document", "documents", "events", "facts", "market"]
