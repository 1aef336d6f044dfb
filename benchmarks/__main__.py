"""``make bench``: every measurement, one after the other; writes the tables beside this file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = ("magic.py", "relay.py", "browser.py", "engine.py", "footprint.py")


def main() -> int:
    """Run the scripts with what was given on the command line; 1 when one of them failed."""
    here = Path(__file__).parent
    commands = [[sys.executable, str(here / name), *sys.argv[1:]] for name in SCRIPTS]
    failed = [subprocess.run(command, check=False).returncode for command in commands]
    return 1 if any(failed) else 0


if __name__ == "__main__":
    sys.exit(main())
