"""``python -m pabal`` and the console script ``pabal``."""

from pabal.cli.main import build
from pabal.lab.command import lab


def main() -> None:
    """Run the command line."""
    pabal = build()
    pabal.add_command(lab)
    pabal(prog_name="pabal")


if __name__ == "__main__":
    main()
