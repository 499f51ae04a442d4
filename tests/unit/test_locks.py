"""The locks of the container: what the project asks for, with hashes, and nobody's addresses."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.places import ROOT

LOCKS = ROOT / "container"
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<where>[^\\]+?))? *\\?$")
# By version alone; their files differ from backend to backend.
APART = {"torch", "torchvision"}


def pins(name: str) -> dict[str, list[str]]:
    """Versions by package; there is more than one where Pythons differ."""
    found: dict[str, list[str]] = {}
    for line in (LOCKS / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "    --hash=sha256:")):
            pin = PIN.match(line)
            assert pin, f"{name} holds more than pins and hashes: {line}"
            found.setdefault(pin["name"], []).append(pin["version"])
    return found


def asked_for(*extras: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def test_every_package_asked_for_is_locked_at_a_version_that_fits():
    locked = pins("program.lock") | pins("torch.lock")
    for requirement in asked_for("cluster", "encoders", "domains"):
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement.name} is in no lock; run make lock"
        wrong = [v for v in versions if not requirement.specifier.contains(v, prereleases=True)]
        assert not wrong, f"{requirement} is locked at {wrong}; run make lock"


@pytest.mark.parametrize("name", ["program.lock", "tools.lock"])
def test_every_locked_package_has_a_hash(name):
    blocks = re.split(r"^(?=[a-z0-9])", (LOCKS / name).read_text(encoding="utf-8"), flags=re.M)[1:]
    assert len(blocks) >= len(pins(name))
    assert not [block for block in blocks if "--hash=sha256:" not in block]
    assert not APART & pins(name).keys()


def test_the_tools_that_build_the_image_are_locked():
    assert {"uv", "hatchling"} <= pins("tools.lock").keys()
    assert pins("torch.lock").keys() == APART
