"""``python -m pabal`` and the console script ``pabal``."""
