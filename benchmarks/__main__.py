"""``python -m benchmarks [NAME ...] [--quick] [--out FILE] [--compare A B]``: the same as ``tocsin bench``."""

import sys

from engine.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["bench", *sys.argv[1:]]))
