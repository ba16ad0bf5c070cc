"""Price files of any usual spelling -> one checked table of bars."""

from engine.prices.importing import import_frame, import_prices

__all__ = ["import_frame", "import_prices"]
