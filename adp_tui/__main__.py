"""Run the command line as ``python -m adp_tui``."""

from __future__ import annotations

import sys

from adp_tui.tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
