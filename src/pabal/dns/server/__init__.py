"""The name server: who may ask, the answer cache, UDP and TCP."""
