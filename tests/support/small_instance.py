"""Runs the supervisor over programs that a test gives: `python small_instance.py PROGRAMS.json`.

The real programs take seconds to start; how they are started, restarted and stopped is the same for any.
"""

import json
import sys
from pathlib import Path

from automation_portal.stack import supervisor
from automation_portal.stack.layout import Layout, StackError
from automation_portal.stack.programs import Program


def main() -> int:
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    layout = Layout.from_environment()

    def programs(_: Layout) -> list[Program]:
        return [
            Program(
                entry["name"],
                ("sh", "-c", entry["script"]),
                {"PATH": "/usr/bin:/bin", "DATA": str(layout.data)},
                needs=frozenset(entry.get("needs", ())),
                probe=(layout.data / entry["ready_file"]).exists if "ready_file" in entry else None,
                stage=entry.get("stage", 0),
                grace=entry.get("grace", 5.0),
                lasting=entry.get("lasting", True),
            )
            for entry in given
        ]

    supervisor.programs = programs  # type: ignore[assignment]
    try:
        return supervisor.supervise(layout)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
