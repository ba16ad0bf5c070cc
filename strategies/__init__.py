"""One file a strategy: its parameters, its rule, its story."""

from strategies.fade_panic import FadePanic
from strategies.hedged_bubble_short import HedgedBubbleShort
from strategies.narrative_pressure import NarrativePressure
from strategies.short_bubble_warning import ShortBubbleWarning
from strategies.signals import Signals
from strategies.sma_cross import SmaCross

__all__ = ["FadePanic", "HedgedBubbleShort", "NarrativePressure", "ShortBubbleWarning", "Signals", "SmaCross"]
