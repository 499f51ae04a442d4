"""Files that are nearly whole: bits, numbers, pieces and words of them exchanged."""

from __future__ import annotations

import random
import re

_NUMBERS = (0, 1, 2, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 2**24, 2**31 - 1, 2**31,
            2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**64 - 1)  # fmt: skip
_WORDS = (
    b"", b"0", b"-1", b"1e999", b"-1e999", b"1e308", b"NaN", b"nan", b"Infinity", b"null", b"true",
    b"[]", b"{}", b'""', b'"a"', b"[[1,2]]", b"1" + b"0" * 400, b"9" * 5000, b"=1+1", b"'", b'"',
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b",", b"../../etc/passwd",
    b"/dev/zero",
    b"\xc3\xa9", b"\xf0\x9f\x98\x80", b"a" * 3000, b"[" * 300, b"1_000", b"0x10", b"\xe2\x80\xae",
)  # fmt: skip
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[-+\w.]+|[^\s\w]|\s')


def mutated(content: bytes, chance: random.Random, *, words: bool = False) -> bytes:
    """Return content that is changed in one to four places.

    Parameters
    ----------
    content
        Of a whole file, or of one that was changed before.
    chance
        Decides all.
    words
        Whether it is text: then words are exchanged more often than bits.
    """
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        if words and chance.random() < 0.7:
            data = _other_words(data, chance)
        else:
            data = _other_bytes(data, chance)
    return bytes(data[: 2**20])


def _other_words(data: bytearray, chance: random.Random) -> bytearray:
    tokens = _TOKEN.findall(bytes(data))
    if not tokens:
        return bytearray(chance.choice(_WORDS))
    at = chance.randrange(len(tokens))
    how = chance.randrange(5)
    if how == 0:
        tokens[at] = chance.choice(_WORDS)
    elif how == 1:
        del tokens[at : at + chance.choice((1, 1, 2, 5, 20))]
    elif how == 2:
        tokens[at:at] = tokens[at : at + chance.choice((1, 2, 10))] * chance.choice((1, 2, 50))
    elif how == 3:
        other = chance.randrange(len(tokens))
        tokens[at], tokens[other] = tokens[other], tokens[at]
    else:
        tokens.insert(at, chance.choice(_WORDS))
    return bytearray(b"".join(tokens))


def _other_bytes(data: bytearray, chance: random.Random) -> bytearray:
    if not data:
        return bytearray(chance.randbytes(chance.randrange(1, 40)))
    at = chance.randrange(len(data))
    how = chance.randrange(8)
    if how == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif how == 1:
        data[at] = chance.randrange(256)
    elif how == 2:
        size = chance.choice((1, 2, 4, 8))
        number = chance.choice(_NUMBERS) % 2 ** (8 * size)
        data[at : at + size] = number.to_bytes(size, chance.choice(("little", "big")))
    elif how == 3:
        del data[at:]
    elif how == 4:
        del data[at : at + chance.choice((1, 2, 4, 16, 200))]
    elif how == 5:
        data[at:at] = chance.choice(_WORDS) if chance.random() < 0.5 else chance.randbytes(4)
    elif how == 6:
        start, size = chance.randrange(len(data)), chance.choice((1, 4, 8, 64))
        data[at : at + size] = data[start : start + size]
    else:
        data[at : at + 16] = bytes(16)
    return data
