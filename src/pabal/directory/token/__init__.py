"""Bearer tokens: who checks them, and what of them is believed."""
