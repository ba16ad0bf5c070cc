"""The kinds of events."""

KINDS = (
    "bubble_warning",
    "valuation_alarm",
    "funding_gap",
    "circular_financing",
    "short_disclosure",
    "backstop_plea",
    "denial",
    "support",
    "panic_drop",
    "overdone_call",
    "disruption_shock",
    "earnings_disappointment",
    "hawkish_policy",
    "project_delay",
)
