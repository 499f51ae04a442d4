"""Shaders that vispy need not read again declare what they declared."""

from __future__ import annotations

import subprocess
import sys

COMPARED = """
import sys
from vispy.gloo.program import Program
from napari_mclstexp.widgets.common.known_shaders import read_shaders_once
VERTEX = '''
// uniform float u_not;
uniform vec2 u_place; attribute vec3 a_point; varying vec4 v_colour;
uniform float u_many[3]; const int few = 3;
void main() { gl_Position = vec4(a_point, 1.0); }
'''
FRAGMENT = "uniform sampler2D u_map; varying vec4 v_colour; void main() { discard; }"
def made():
    program = Program()
    program["u_place"] = (1, 2)  # before its code is there
    program.set_shaders(VERTEX, FRAGMENT)
    return sorted(program.variables), program._user_variables["u_place"], program._pending_variables
before, reads = made(), []
read = Program._parse_variables_from_code
Program._parse_variables_from_code = lambda *a, **k: (reads.append(1), read(*a, **k))[1]
read_shaders_once()
reads.clear()
first, second = made(), made()
assert len(before[0]) == 9, before[0]
for one, other in zip(before, first): assert str(one) == str(other), (one, other)
for one, other in zip(first, second): assert str(one) == str(other), (one, other)
assert len(reads) == 1, reads
"""


def test_a_code_is_read_once_and_gives_the_same_variables():
    """In a process of its own, where vispy is as it came."""
    done = subprocess.run(
        [sys.executable, "-c", COMPARED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
