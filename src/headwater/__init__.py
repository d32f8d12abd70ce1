"""Headwater: an event router and a customer data platform in one install."""

__version__ = "0.1.0"
