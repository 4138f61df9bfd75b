#!/bin/sh
# Makes the virtual environment in $1 with the pinned versions of constraints.txt.
# Debian splits Python's venv into a package of its own: as root it is installed,
# otherwise the command to type is printed.
set -eu
venv=$1
python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "pabal needs Python 3.11 or newer; '$python' is $("$python" -V 2>&1)." >&2
    echo "Name another one with: make PYTHON=/path/to/python3.11 ..." >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing python3-venv (Debian keeps it apart from python3) ..."
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    else
        echo "Python's venv module is missing. On Debian and Ubuntu, type:" >&2
        echo "    sudo apt install python3-venv" >&2
        exit 2
    fi
fi
echo "Making $venv and installing what pabal stands on (once, about a minute) ..."
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt --editable '.[dev]'
