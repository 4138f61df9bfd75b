"""``python -m pabal`` and the console script ``pabal``."""

from pabal.cli.main import build


def main() -> None:
    """Run the command line."""
    build({"lab": "pabal.lab.command"})(prog_name="pabal")


if __name__ == "__main__":
    main()
