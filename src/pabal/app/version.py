"""Which version of the program runs."""

import importlib


def version() -> str:
    """Return the version; run from a source tree there is none to ask for."""
    # Imported by whom asks: it brings all that reads mail headers and zip files.
    metadata = importlib.import_module("importlib.metadata")
    try:
        return str(metadata.version("pabal"))
    except ModuleNotFoundError:
        return "of the source tree"
