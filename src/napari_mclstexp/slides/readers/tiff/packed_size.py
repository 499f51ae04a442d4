"""How large a packed picture says it is, before a decoder makes room for it."""

from __future__ import annotations

_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = {0x01, *range(0xD0, 0xDA)}  # markers without content


def packed_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG or a JPEG 2000 codestream, None where it does not say."""
    if data.startswith(_JPEG_2000) and len(data) >= 16:
        return int.from_bytes(data[8:12], "big"), int.from_bytes(data[12:16], "big")
    if not data.startswith(_JPEG):
        return None
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
