"""An accessibility client: every object of a program's windows, as a screen reader is told of it.

Run by the system's Python, which has pyatspi; writes a line of JSON for each object.
"""

import json
import sys

import pyatspi


def walk(node, path, depth=0):
    try:
        role, name, told = node.getRoleName(), node.name, node.description
        states = node.getState()
        shown = states.contains(pyatspi.STATE_SHOWING)
        usable = states.contains(pyatspi.STATE_FOCUSABLE)
        children = [node.getChildAtIndex(place) for place in range(min(node.childCount, 400))]
    except Exception:  # it went meanwhile
        return
    print(json.dumps({"role": role, "name": name, "told": told, "shown": shown,
                      "usable": usable, "path": path}))  # fmt: skip
    if depth < 60:
        for child in children:
            if child is not None:
                walk(child, [*path, name or role], depth + 1)


def main():
    wanted = int(sys.argv[1])
    desktop = pyatspi.Registry.getDesktop(0)
    for place in range(desktop.childCount):
        program = desktop.getChildAtIndex(place)
        if program is not None and program.get_process_id() == wanted:
            walk(program, [])


if __name__ == "__main__":
    main()
