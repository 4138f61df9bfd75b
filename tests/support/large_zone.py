"""Zone files of very many addresses."""

from pathlib import Path


def write(file: Path, serial: int, records: int) -> None:
    """Put another version of the zone in place at once: all records are others."""
    aside = file.with_name(".coming")
    with aside.open("w") as stream:
        stream.write(f"$TTL 3600\n@ IN SOA ns h {serial} 7200 3600 1209600 300\n")
        stream.write("@ IN NS ns\nns A 192.0.2.1\n")
        for number in range(records - 3):
            low = (number + serial) & 255
            stream.write(f"h{number} A 10.{number >> 16}.{number >> 8 & 255}.{low}\n")
    aside.replace(file)
