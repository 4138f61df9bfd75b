"""``make bench``: pabal beside Postfix, Dovecot and BIND. See ``bench/main.py``."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # The repository's root, for `bench` and for the tests' way to start servers.
    sys.path[0] = str(Path(__file__).parents[1])
    runpy.run_module("bench.main", run_name="__main__")
