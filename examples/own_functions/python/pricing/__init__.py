"""Prices of a shop; the work is done by Go functions."""

from pricing._generated import (
    NotForSaleError,
    PricingDoubt,
    PricingItem,
    PricingLine,
    PricingOrder,
    PricingQuoted,
    PricingTier,
    quote,
    read_orders,
    review,
)

__all__ = [
    "NotForSaleError",
    "PricingDoubt",
    "PricingItem",
    "PricingLine",
    "PricingOrder",
    "PricingQuoted",
    "PricingTier",
    "quote",
    "read_orders",
    "review",
]
