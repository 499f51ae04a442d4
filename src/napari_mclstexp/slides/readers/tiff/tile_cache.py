"""A small bounded memory of decoded tiles: neighbouring patches and napari share them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

Tile = NDArray[np.uint8]


class TileCache:
    """The most recently used tiles, up to `max_bytes`; several threads may use it at once.

    A tile larger than that is kept alone, since a strip that spans the slide serves many patches.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._tiles: OrderedDict[Hashable, Tile] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._being_made: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], Tile]) -> Tile:
        """Return the tile of this key, made if it is not kept; it must not be written to."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
                return tile
            turn = self._being_made.setdefault(key, threading.Lock())
        # Made outside the lock, so that threads decode side by side; each tile by one of them only,
        # since a strip that spans the slide takes hundreds of megabytes.
        with turn:
            with self._lock:
                tile = self._tiles.get(key)
            if tile is None:
                try:
                    tile = make()
                    self._keep(key, tile)
                finally:
                    with self._lock:
                        self._being_made.pop(key, None)
        return tile

    def _keep(self, key: Hashable, tile: Tile) -> None:
        with self._lock:
            if key not in self._tiles:
                self._tiles[key] = tile
                self._bytes += tile.nbytes
                while self._bytes > self._max_bytes and len(self._tiles) > 1:
                    self._bytes -= self._tiles.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Forget every tile."""
        with self._lock:
            self._tiles.clear()
            self._bytes = 0
