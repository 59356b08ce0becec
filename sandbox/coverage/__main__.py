"""``python -m sandbox.coverage FILE…`` writes the generated parts of the files anew."""

import sys
from pathlib import Path

from sandbox.coverage import render

if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")
