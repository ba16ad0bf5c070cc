"""A slow oracle of the simulated account, written for reading: docs/accounting.md in plain Python.

Nothing here is shared with `kernels/`; the two were written apart, and the tests hold them against each other. Asset
numbers are places in `Bars.symbols`, which are in order of symbol. Options are left out.

Where the page is silent, this file chose:

Carry and dividends
 1. A dividend is paid on its ex-date also where the asset has no bar that day: a halt moves no record date.
 2. Splits and borrow rates are read at the bar as given (S of bar t, the rate of bar t-1), also where the asset has
    no bar.

Decisions and fills
 3. A rule is asked about every asset on every bar (not yet listed, halted, in a margin call), until ruin. After ruin
    nothing is decided, so nothing is refused either.
 4. A refresh at bar t makes the time exit due at t + hold. It neither lifts a margin call nor takes a decided exit
    back.
 5. While an exit waits for a bar, a further exit signal changes nothing: the first keeps its bar and its event. A
    signal that comes while a time exit is due or waits makes the exit a SIGNAL. An opposite signal may still add the
    entry of a reversal.
 6. An exit's `bar_decided` is the bar where the reason given arose: the mark that made the call, the signal's bar,
    the bar on which the time exit fell due; else the bar itself. Only ENTRY, CLIPPED and SIGNAL orders carry an
    event. RUIN sells by symbol.
 7. `hold` is at least 1. Under `fill="close"` a waiting exit fills at the next bar's close, unless that bar's open
    (forced) or a stop, trailing stop or target inside it takes the position first.

Margin at entry
 8. "Required at its fill price" is said of both: initial margin and maintenance of the new position are counted at
    its fill price (the $5 and $2.50 steps too).
 9. "The margin cut it" and CLIPPED are one test: shares before lots are short of the wanted by more than 1e-9 of
    them. CLIPPED says nothing of lots. An order that is cut and too small anyway is refused as MARGIN, the first in
    the list.

Ruin
10. The equity of the bar of ruin is the cash after the closing costs. The cash path is K at the end of each bar.

Ledger
11. carry = -(borrow), so that net = P&L + carry + dividends. event_ids: of the entry, then of the exit; events that
    only refreshed the clock are not in it.
12. Excursions are read literally: the exit bar's high and low never count, not even where the position was held to
    its close (RUIN, and signal and time exits under `fill="close"`). An open trade has no exit bar: its last bar is
    full. Its exit bar in the ledger is the last bar, its exit price the mark.

Metrics
13. Drawdown is a positive share of the peak; the initial cash is the first peak. A bar is below the peak when E <
    peak * (1 - 1e-12): what is within 1e-12 of it counts as reached.
14. Sortino is mean return (less its target, 0) / sqrt(mean(min(return, 0)^2)) * sqrt(bars_per_year): cash_rate is not
    taken from it.
15. Exposure under `fill="close"` counts what is held after the forced closes at the open; an entry at a close counts
    from the next bar.
16. CAGR is -1 at final E <= 0 before anything else; null over no time at all, or where the power overflows. Calmar is
    null where CAGR is.
17. The deviation of skewness and kurtosis is the population's; of Sharpe, the sample's. One bar has no sample
    deviation: volatility and Sharpe are null.
18. `columns` combined: one path, the sum of the accounts', against the sum of the initial cash; from the bar after a
    combined E <= 0, returns are 0. Exposure counts the bars in which any account holds something. Ledgers follow each
    other in order of symbol.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from math import inf

Event = tuple[int, str]  # known_at, event_id
Prices = list[list[float | None]]  # [asset][bar]
Signals = dict[tuple[int, int], tuple[float, Event | None]]  # (asset, bar) -> target weight, event; absent = keep


@dataclass(frozen=True)
class Settings:
    """Settings of the account; rates are a year's, shares of notional are fractions."""

    cash: float = 1_000_000.0
    kind: str = "portfolio"  # or "columns"
    fill: str = "open"  # or "close"
    slippage: float = 0.0005
    fee_rate: float = 0.0001
    fee_share: float = 0.0
    min_fee: float = 0.0
    borrow_rate: float = 0.03
    debit_rate: float = 0.06
    cash_rate: float = 0.0
    initial: float = 0.50
    lot: float = 0.0
    min_notional: float = 0.0
    bars_per_year: float = 252.0


@dataclass(frozen=True)
class Exits:
    """Exits of the strategy; inf is none."""

    hold: float = inf
    stop: float = inf
    trail: float = inf
    take: float = inf
    reverses: bool = False
    refresh: bool = False
    spared: frozenset[int] = frozenset()  # assets that hold, stop, trail and take do not apply to


@dataclass
class Bars:
    """Prices by [asset][bar]; None where there is no bar, and where the splits are unknown."""

    symbols: list[str]
    dates: list[date]
    open: Prices
    high: Prices
    low: Prices
    close: Prices
    dividend: list[list[float]]
    split: Prices
    borrow: list[list[float]] | None = None

    def traded(self, a: int, t: int) -> bool:
        """Say whether the asset has a bar: all four prices."""
        return None not in (self.open[a][t], self.high[a][t], self.low[a][t], self.close[a][t])


def at(prices: Prices, a: int, t: int) -> float:
    """Return a price that is there."""
    price = prices[a][t]
    if price is None:
        raise LookupError(f"asset {a} has no price at bar {t}")
    return price


@dataclass(frozen=True)
class View:
    """What a rule may know of its position when it decides."""

    side: int  # 1 long, -1 short, 0 flat
    held: int  # bars since the entry bar
    gain: float  # unrealised return on the entry price, signed by side, at the last close known


Decide = Callable[[int, int, View], float | None]


@dataclass(frozen=True)
class Order:
    """A filled order; shares are positive, slippage is in money."""

    bar_decided: int
    bar_filled: int
    asset: int
    side: str
    shares: float
    price: float
    commission: float
    slippage: float
    reason: str
    event: str | None


@dataclass(frozen=True)
class Refusal:
    """An entry that was not filled, and the first reason for it."""

    bar: int
    asset: int
    reason: str
    event: str | None
    side: str


@dataclass(frozen=True)
class Trade:
    """A round trip; at the end of the data one may be OPEN or STALE, with its mark as exit price."""

    asset: int
    side: int
    shares: float
    entry_bar: int
    exit_bar: int
    entry_price: float
    exit_price: float
    pnl: float
    carry: float
    dividends: float
    net: float
    return_: float
    bars_held: int
    worst: float
    best: float
    entry_reason: str
    exit_reason: str
    event_ids: tuple[str, ...]


@dataclass
class Result:
    """What one account did; `accounts` holds the single ones when `kind` is "columns"."""

    orders: list[Order]
    refusals: list[Refusal]
    trades: list[Trade]
    equity: list[float]
    cash: list[float]
    interest: float
    debit: float
    exposed: list[bool]
    metrics: dict[str, float | int | None] = field(default_factory=dict)
    accounts: list["Result"] = field(default_factory=list)


@dataclass
class Position:
    """One holding, from its entry to its exit."""

    asset: int
    side: int
    shares: float
    entry_bar: int
    entry_price: float
    entry_commission: float
    entry_reason: str
    entry_event: Event | None
    clock_bar: int  # the time exit is due at clock_bar + hold
    highest: float = -inf  # of full bars since the entry
    lowest: float = inf
    borrow: float = 0.0
    dividends: float = 0.0
    called_bar: int | None = None  # a margin call waits for the next open
    signal_bar: int | None = None  # a decided exit waits for the next fill
    signal_event: Event | None = None

    @property
    def q(self) -> float:
        return self.side * self.shares


@dataclass(frozen=True)
class Entry:
    """A wish to enter."""

    asset: int
    weight: float
    event: Event | None


def maintenance_per_share(side: int, price: float, split: float | None) -> float:
    """Return what backs one adjusted share: 25% long; short 30%, with the dollar floors of quoted prices."""
    if side > 0:
        return 0.25 * price
    if split is None:
        return 0.30 * price
    if price * split >= 5.0:
        return max(0.30 * price, 5.0 / split)
    return max(price, 2.50 / split)


def turn(asset: int, event: Event | None) -> tuple[bool, int, str, int]:
    """Return the place in the queue of one group of fills: oldest event first, no event last, then by symbol."""
    known_at, name = event if event is not None else (0, "")
    return (event is None, known_at, name, asset)


def event_id(event: Event | None) -> str | None:
    return None if event is None else event[1]


class Account:
    """One account over some of the assets."""

    def __init__(self, bars: Bars, assets: list[int], rule: Signals | Decide, settings: Settings, exits: Exits) -> None:
        self.bars, self.assets, self.rule, self.settings, self.exits = bars, assets, rule, settings, exits
        self.fill_prices = bars.open if settings.fill == "open" else bars.close
        self.cash = settings.cash
        self.positions: dict[int, Position] = {}  # by asset
        self.last_close: dict[int, float] = {}  # by asset, of the bars known so far
        self.ruined = False
        self.result = Result([], [], [], [], [], 0.0, 0.0, [])

    def run(self) -> Result:
        for t in range(len(self.bars.dates)):
            self.exposed = False
            if not self.ruined:
                self.walk(t)
            self.result.equity.append(self.equity())
            self.result.cash.append(self.cash)
            self.result.exposed.append(self.exposed)
        self.report_open()
        return self.result

    def walk(self, t: int) -> None:
        called = any(p.called_bar is not None for p in self.positions.values())
        self.carry(t)
        if self.settings.fill == "open":
            sizing = self.equity()  # at the last closes, before the dividends
            self.pay_dividends(t)
            entries = self.decide(t)
            self.fill_forced(t)
            self.fill_exits(t)
            self.fill_entries(t, entries, sizing, called)
            self.exposed = bool(self.positions)
            self.exit_inside(t)
            self.learn_closes(t)
        else:
            self.pay_dividends(t)
            self.fill_forced(t)
            self.exposed = bool(self.positions)
            self.exit_inside(t)
            self.learn_closes(t)
            sizing = self.equity()
            entries = self.decide(t)
            self.fill_exits(t)
            self.fill_entries(t, entries, sizing, called)
        self.ruin_or_call(t)
        self.keep_extremes(t)

    def held(self) -> list[Position]:
        """Return the positions in order of symbol (a copy: fills change the book)."""
        return [self.positions[a] for a in sorted(self.positions)]

    def equity(self) -> float:
        return self.cash + sum(p.q * self.last_close[p.asset] for p in self.held())

    def learn_closes(self, t: int) -> None:
        for a in self.assets:
            if self.bars.traded(a, t):
                self.last_close[a] = at(self.bars.close, a, t)

    # 1. Carry

    def carry(self, t: int) -> None:
        if t == 0:
            return
        days = (self.bars.dates[t] - self.bars.dates[t - 1]).days
        shorts = [p for p in self.held() if p.side < 0]
        for p in shorts:
            rate = self.settings.borrow_rate if self.bars.borrow is None else self.bars.borrow[p.asset][t - 1]
            fee = p.shares * 1.02 * self.last_close[p.asset] * rate * days / 360.0  # lenders ask 102% collateral
            p.borrow += fee
            self.cash -= fee
        # Sale proceeds lie with the lender: they earn nothing and pay for nothing.
        free = self.cash - sum(p.shares * self.last_close[p.asset] for p in shorts)
        debit = max(0.0, -free) * self.settings.debit_rate * days / 360.0
        interest = max(0.0, free) * self.settings.cash_rate * days / 360.0
        self.cash += interest - debit
        self.result.debit += debit
        self.result.interest += interest

    # 2. Dividends

    def pay_dividends(self, t: int) -> None:
        for p in self.held():
            amount = p.q * self.bars.dividend[p.asset][t]
            p.dividends += amount
            self.cash += amount

    # 3. Decide

    def ask(self, a: int, t: int) -> tuple[float, Event | None] | None:
        if not callable(self.rule):
            return self.rule.get((a, t))
        p = self.positions.get(a)
        view = View(0, 0, 0.0)
        if p is not None:
            view = View(p.side, t - p.entry_bar, p.side * (self.last_close[a] / p.entry_price - 1.0))
        weight = self.rule(a, t, view)
        return None if weight is None else (weight, None)

    def decide(self, t: int) -> list[Entry]:
        """Ask the rule about every asset; note exits on the positions and return entries, in the order of fills."""
        entries = []
        for a in self.assets:
            answer = self.ask(a, t)
            if answer is None:
                continue
            weight, event = answer
            p = self.positions.get(a)
            if p is None:
                if weight != 0.0:
                    entries.append(Entry(a, weight, event))
            elif weight * p.side > 0.0:
                if self.exits.refresh:
                    p.clock_bar = t
            else:
                if p.signal_bar is None:
                    p.signal_bar, p.signal_event = t, event
                if weight != 0.0 and self.exits.reverses:
                    entries.append(Entry(a, weight, event))
        return sorted(entries, key=lambda entry: turn(entry.asset, entry.event))

    # 4. Fills

    def fill_forced(self, t: int) -> None:
        for p in self.held():
            if p.called_bar is not None and self.bars.traded(p.asset, t):
                self.close(p, t, at(self.bars.open, p.asset, t), "MARGIN_CALL", decided=p.called_bar)

    def fill_exits(self, t: int) -> None:
        x = self.exits
        timed = [p for p in self.held() if p.asset not in x.spared and t >= p.clock_bar + x.hold]
        due = [p for p in self.held() if p.signal_bar is not None or p in timed]
        for p in sorted(due, key=lambda p: turn(p.asset, p.signal_event)):
            if not self.bars.traded(p.asset, t):
                continue  # waits for the asset's next bar
            quote = at(self.fill_prices, p.asset, t)
            if p.signal_bar is not None:
                self.close(p, t, quote, "SIGNAL", decided=p.signal_bar)
            else:
                self.close(p, t, quote, "TIME", decided=p.clock_bar + math.ceil(x.hold))

    def fill_entries(self, t: int, entries: list[Entry], sizing: float, called: bool) -> None:
        for entry in entries:
            refused: str | None
            if called:
                refused = "MARGIN_CALL"
            elif not self.bars.traded(entry.asset, t):
                refused = "NO_PRICE"
            elif sizing <= 0.0:
                refused = "MARGIN"
            else:
                refused = self.enter(t, entry, sizing)
            if refused:
                side = "BUY" if entry.weight > 0.0 else "SELL"
                self.result.refusals.append(Refusal(t, entry.asset, refused, event_id(entry.event), side))

    def commission(self, a: int, t: int, shares: float, price: float) -> float:
        s = self.settings
        return max(s.min_fee, s.fee_rate * shares * price + s.fee_share * shares / self.split_or_one(a, t))

    def split_or_one(self, a: int, t: int) -> float:
        split = self.bars.split[a][t]
        return 1.0 if split is None else split

    def enter(self, t: int, entry: Entry, sizing: float) -> str | None:
        """Fill an entry, or return why not."""
        s, a = self.settings, entry.asset
        side = 1 if entry.weight > 0.0 else -1
        quote = at(self.fill_prices, a, t)
        price = quote * (1.0 + side * s.slippage)
        wanted = abs(entry.weight) * sizing / price

        # 5. Margin at entry
        shares = min(wanted, self.largest(t, a, side, price))
        clipped = wanted - shares > 1e-9 * wanted
        if shares < 1e-9 * wanted:
            shares = 0.0
        if s.lot > 0.0:
            lot = s.lot * self.split_or_one(a, t)  # in adjusted shares
            shares = math.floor(shares / lot + 1e-9 * max(shares / lot, 1.0)) * lot
        if shares <= 0.0 or shares * price < s.min_notional * (1.0 - 1e-9):
            return "MARGIN" if clipped else "SMALL"

        commission = self.commission(a, t, shares, price)
        self.cash -= side * shares * price + commission
        reason = "CLIPPED" if clipped else "ENTRY"
        self.positions[a] = Position(a, side, shares, t, price, commission, reason, entry.event, clock_bar=t)
        slipped, bought = shares * abs(price - quote), "BUY" if side > 0 else "SELL"
        self.result.orders.append(
            Order(t, t, a, bought, shares, price, commission, slipped, reason, event_id(entry.event))
        )
        return None

    def largest(self, t: int, a: int, side: int, price: float) -> float:
        """Return the most shares with which equity still covers what all positions require (below 0 where none do)."""
        s = self.settings
        room = equity = self.cash
        for p in self.held():
            traded = self.bars.traded(p.asset, t)
            now = at(self.fill_prices, p.asset, t) if traded else self.last_close[p.asset]
            needed = max(s.initial * now, maintenance_per_share(p.side, now, self.bars.split[p.asset][t]))
            room += p.q * now - p.shares * needed
            equity += p.q * now
        if room <= 1e-9 * abs(equity):
            room = 0.0  # no more than rounding left
        # A new share loses its slippage at once and requires margin. The commission is the greater of min_fee and so
        # much a share, so both must fit.
        needed = max(s.initial * price, maintenance_per_share(side, price, self.bars.split[a][t]))
        taken = abs(price - at(self.fill_prices, a, t)) + needed
        fee = s.fee_rate * price + s.fee_share / self.split_or_one(a, t)
        return min(room / (taken + fee), (room - s.min_fee) / taken)

    def close(self, p: Position, t: int, quote: float, reason: str, *, decided: int) -> None:
        """Sell or cover a whole position at a quote, with commission and (but for a target) slippage."""
        price = quote if reason == "TAKE" else quote * (1.0 - p.side * self.settings.slippage)
        commission = self.commission(p.asset, t, p.shares, price)
        self.cash += p.q * price - commission
        del self.positions[p.asset]
        event = event_id(p.signal_event) if reason == "SIGNAL" else None
        slipped, bought = p.shares * abs(price - quote), "SELL" if p.side > 0 else "BUY"
        self.result.orders.append(
            Order(decided, t, p.asset, bought, p.shares, price, commission, slipped, reason, event)
        )
        self.note_trade(p, t, price, reason, commission=commission, event=event)

    # 6. Exits inside the bar

    def exit_inside(self, t: int) -> None:
        x = self.exits
        for p in self.held():
            if p.asset in x.spared or not self.bars.traded(p.asset, t):
                continue
            o, high, low = (at(prices, p.asset, t) for prices in (self.bars.open, self.bars.high, self.bars.low))
            if p.side > 0:
                stop, trail = p.entry_price * (1.0 - x.stop), max(p.entry_price, p.highest) * (1.0 - x.trail)
                level, take = max(stop, trail), p.entry_price * (1.0 + x.take)
                stopped, fill, taken = low <= level, min(o, level), high >= take
            else:
                stop, trail = p.entry_price * (1.0 + x.stop), min(p.entry_price, p.lowest) * (1.0 + x.trail)
                level, take = min(stop, trail), p.entry_price * (1.0 - x.take)
                stopped, fill, taken = high >= level, max(o, level), low <= take
            if stopped:  # before the target: which came first inside the bar is not known
                self.close(p, t, fill, "STOP" if level == stop else "TRAIL", decided=t)
            elif taken:
                self.close(p, t, take, "TAKE", decided=t)

    def keep_extremes(self, t: int) -> None:
        """Keep the highs and lows of full bars, for later bars' trailing stops and for the excursions."""
        for p in self.held():
            full = self.settings.fill == "open" or p.entry_bar < t
            if full and self.bars.traded(p.asset, t):
                p.highest = max(p.highest, at(self.bars.high, p.asset, t))
                p.lowest = min(p.lowest, at(self.bars.low, p.asset, t))

    # 7. Mark; 8. Ruin and maintenance

    def ruin_or_call(self, t: int) -> None:
        equity = self.equity()
        if equity <= 0.0:
            self.ruined = True
            for p in self.held():
                self.close(p, t, self.last_close[p.asset], "RUIN", decided=t)
            return
        required = 0.0
        for p in self.held():
            per_share = maintenance_per_share(p.side, self.last_close[p.asset], self.bars.split[p.asset][t])
            required += per_share * p.shares
        if equity < required * (1.0 - 1e-9):
            for p in self.held():
                if p.called_bar is None:
                    p.called_bar = t

    # Ledger

    def note_trade(
        self, p: Position, t: int, price: float, reason: str, *, commission: float = 0.0, event: str | None = None
    ) -> None:
        pnl = p.q * (price - p.entry_price) - p.entry_commission - commission
        net = pnl - p.borrow + p.dividends
        seen = [x for x in (p.highest, p.lowest, price) if math.isfinite(x)]  # no full bar: the exit price alone
        moves = [p.side * (x / p.entry_price - 1.0) for x in seen]
        self.result.trades.append(
            Trade(
                asset=p.asset,
                side=p.side,
                shares=p.shares,
                entry_bar=p.entry_bar,
                exit_bar=t,
                entry_price=p.entry_price,
                exit_price=price,
                pnl=pnl,
                carry=-p.borrow,
                dividends=p.dividends,
                net=net,
                return_=net / (p.shares * p.entry_price),
                bars_held=t - p.entry_bar,
                worst=min(moves),
                best=max(moves),
                entry_reason=p.entry_reason,
                exit_reason=reason,
                event_ids=tuple(e for e in (event_id(p.entry_event), event) if e is not None),
            )
        )

    def report_open(self) -> None:
        last = len(self.bars.dates) - 1
        for p in self.held():
            fresh = any(self.bars.traded(p.asset, t) for t in range(max(0, last - 4), last + 1))
            self.note_trade(p, last, self.last_close[p.asset], "OPEN" if fresh else "STALE")


def simulate(bars: Bars, signals: Signals | Decide, settings: Settings, exits: Exits) -> Result:
    """Walk the account through the bars.

    `signals` maps (asset, bar) to (target weight, event): what a rule answers at the Decide step of that bar; absent is
    "keep". Or it is the rule itself, called with asset, bar and `View`, and answering a weight or None.
    """
    if sorted(set(bars.symbols)) != bars.symbols:
        raise ValueError(f"symbols are {bars.symbols}: give them once each, in order")
    if settings.kind not in ("portfolio", "columns") or settings.fill not in ("open", "close"):
        raise ValueError(f"kind {settings.kind!r} or fill {settings.fill!r} is unknown")
    if exits.hold < 1 or not 0.0 <= settings.slippage < 1.0 or settings.cash <= 0.0:
        raise ValueError("hold must be at least 1, slippage from 0 to under 1, cash above 0")
    everything = list(range(len(bars.symbols)))
    if settings.kind == "portfolio":
        result = Account(bars, everything, signals, settings, exits).run()
        result.metrics = metrics(result, bars.dates, settings, settings.cash)
        return result
    accounts = [Account(bars, [a], signals, settings, exits).run() for a in everything]
    for account in accounts:
        account.metrics = metrics(account, bars.dates, settings, settings.cash)
    result = Result(
        orders=[order for account in accounts for order in account.orders],
        refusals=[refusal for account in accounts for refusal in account.refusals],
        trades=[trade for account in accounts for trade in account.trades],
        equity=[sum(values) for values in zip(*(account.equity for account in accounts), strict=True)],
        cash=[sum(values) for values in zip(*(account.cash for account in accounts), strict=True)],
        interest=sum(account.interest for account in accounts),
        debit=sum(account.debit for account in accounts),
        exposed=[any(values) for values in zip(*(account.exposed for account in accounts), strict=True)],
        accounts=accounts,
    )
    result.metrics = metrics(result, bars.dates, settings, settings.cash * len(accounts))
    return result


# Metrics


def ratio(above: float | None, below: float | None) -> float | None:
    """Divide; null where the divisor is empty or under 1e-12."""
    return None if above is None or below is None or below < 1e-12 else above / below


def mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def returns_of(equity: list[float], initial: float) -> list[float]:
    """Return a return a bar, the first against the initial cash; 0 from the bar after the ruin."""
    returns, before, ruined = [], initial, False
    for value in equity:
        returns.append(0.0 if ruined else value / before - 1.0)
        ruined = ruined or value <= 0.0
        before = value
    return returns


def drawdowns(equity: list[float], initial: float) -> tuple[float, int]:
    """Return the deepest fall from a peak, as a share of it, and the longest run of bars below one."""
    peak, deepest, longest, run = initial, 0.0, 0, 0
    for value in equity:
        peak = max(peak, value)
        deepest = max(deepest, 1.0 - value / peak)
        run = run + 1 if value < peak * (1.0 - 1e-12) else 0
        longest = max(longest, run)
    return deepest, longest


def cagr_of(final: float, initial: float, years: float) -> float | None:
    if final <= 0.0:
        return -1.0
    if years < 1e-12:
        return None
    try:
        return math.pow(final / initial, 1.0 / years) - 1.0
    except OverflowError:
        return None


def metrics(result: Result, dates: list[date], settings: Settings, initial: float) -> dict[str, float | int | None]:
    """Return the metrics of an account by name; None is null."""
    equity, final = result.equity, result.equity[-1]
    returns = returns_of(equity, initial)
    bars, scale = len(returns), math.sqrt(settings.bars_per_year)
    years = (dates[-1] - dates[0]).days / 365.25

    average = math.fsum(returns) / bars
    squares = math.fsum((r - average) ** 2 for r in returns)
    sample = math.sqrt(squares / (bars - 1)) if bars > 1 else None
    population = math.sqrt(squares / bars)
    downside = math.sqrt(math.fsum(min(r, 0.0) ** 2 for r in returns) / bars)
    third = math.fsum((r - average) ** 3 for r in returns) / bars
    fourth = math.fsum((r - average) ** 4 for r in returns) / bars
    moves = population >= 1e-12

    sharpe = ratio(average - settings.cash_rate / settings.bars_per_year, sample)
    sortino = ratio(average, downside)
    deepest, longest = drawdowns(equity, initial)
    cagr = cagr_of(final, initial, years)

    closed = [trade for trade in result.trades if trade.exit_reason not in ("OPEN", "STALE")]
    wins = math.fsum(trade.net for trade in closed if trade.net > 0.0)
    losses = math.fsum(-trade.net for trade in closed if trade.net < 0.0)
    notional = math.fsum(order.shares * order.price for order in result.orders)

    return {
        "total_return": final / initial - 1.0,
        "cagr": cagr,
        "volatility": None if sample is None else sample * scale,
        "sharpe": None if sharpe is None else sharpe * scale,
        "sortino": None if sortino is None else sortino * scale,
        "max_drawdown": deepest,
        "longest_drawdown": longest,
        "calmar": ratio(cagr, deepest),
        "exposure": sum(result.exposed) / bars,
        "turnover": ratio(ratio(notional, mean(equity)), years),
        "closed_trades": len(closed),
        "hit_rate": mean([1.0 if trade.net > 0.0 else 0.0 for trade in closed]),
        "profit_factor": ratio(wins, losses),
        "mean_trade_return": mean([trade.return_ for trade in closed]),
        "open_trades": len(result.trades) - len(closed),
        "skewness": third / population**3 if moves else None,
        "excess_kurtosis": fourth / population**4 - 3.0 if moves else None,
        "worst_bar": min(returns),
        "total_borrow": -math.fsum(trade.carry for trade in result.trades),
        "total_costs": math.fsum(order.commission + order.slippage for order in result.orders),
        "final_equity": final,
    }
