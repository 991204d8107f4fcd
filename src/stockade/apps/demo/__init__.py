"""Demo data: two distributors who never were, with eighteen months behind them and a busy day, for a first look."""

from stockade.apps.demo.making import make_demo
from stockade.apps.demo.trade import trades

__all__ = ["make_demo", "trades"]
