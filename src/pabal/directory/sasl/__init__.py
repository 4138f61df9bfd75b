"""SASL mechanisms as pure state machines (server side)."""
