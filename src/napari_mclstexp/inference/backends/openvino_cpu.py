"""OpenVINO on the processor (extra ``openvino``): a stream of inferences to each lane."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import Cancelled, OutputError
from ...files import atomic_folder
from ...progress import CancelToken
from ..device import Device
from ..feature_cache import KEY, cache_folder
from ..torch_pass import cores
from .backend import Finish, Lane, Network, Pixels, Values, as_list

INSTALL = 'pip install "napari-mclstexp[openvino]"'
SUFFIX, MODEL = ".openvino", "model.xml"  # folders in the cache, and the file in each
MOST_KEPT = 16  # networks and sizes; tens of megabytes each
PIECE_PX, MOST_AT_ONCE = 2 * 224 * 224, 4
MOST_COMPILED = 3  # sizes in memory at once, half a gigabyte each for a large tile
LOOK_MS = 100  # how often a lane that waits for its result looks whether it was cancelled


class OpenVino:
    """OpenVINO on the processor, in 16 bits where the processor has them, else in 32."""

    name = "openvino"

    def why_not(self, device: Device) -> str:
        """Say in one sentence why it cannot run on the device; nothing if it can."""
        if device.torch.type != "cpu":
            return f"OpenVINO runs on the CPU, and not on {device.name}; use --device cpu."
        if importlib.util.find_spec("openvino") is None:
            return f"OpenVINO is not installed; install it with: {INSTALL}"
        return ""

    def lanes(self, device: Device) -> int:
        """Return how many pieces of work it runs side by side."""
        from .torch_cpu import MOST_LANES

        return min(cores(), MOST_LANES)

    def piece(self, height: int, width: int) -> int:
        """Return how many pictures a lane gets at once: few, which stay in a core's cache."""
        return max(1, min(MOST_AT_ONCE, round(PIECE_PX / (height * width))))

    def load(
        self, network: Network, device: Device, finish: Finish, cancel: CancelToken
    ) -> Callable[[], Lane]:
        """Prepare a network; see `Backend.load`.

        Each size of picture is converted when it first comes: a network may have its size among
        its constants, and what is compiled for one size is faster than what fits all.
        """
        layout = torch.contiguous_format
        plain = network.for_inference(torch.device("cpu"), torch.float32, layout)
        compiled = _Compiled(_FromPixels(plain), device, self.lanes(device))

        def make() -> Lane:
            requests: dict[tuple[int, ...], Any] = {}

            def lane(pixels: Pixels) -> list[Values]:
                cancel.raise_if_cancelled()
                size = compiled.size_for(pixels.shape)
                if size not in requests:
                    if len(requests) == MOST_COMPILED:
                        requests.clear()
                    requests[size] = compiled(size).create_infer_request()
                return _infer(requests[size], _filled(pixels, size), len(pixels), finish, cancel)

            return lane

        return make


@cache
def openvino() -> Any:
    """Import OpenVINO, without letting it report over the network that it was imported."""
    name = "openvino_telemetry"
    if "openvino" in sys.modules or name in sys.modules:
        import openvino

        return openvino
    sys.modules[name] = None  # type: ignore[assignment] # its import fails, and is done without
    try:
        import openvino
    finally:
        del sys.modules[name]
    return openvino


class _FromPixels(nn.Module):
    """A network with the step from pixels to its values; its outputs as a tuple."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return tuple(as_list(self.network(pixels.permute(0, 3, 1, 2).float() / 255)))


class _Compiled:
    """A network compiled for every size of batch that has come."""

    def __init__(self, network: nn.Module, device: Device, streams: int) -> None:
        self._network, self._lock = network, threading.Lock()
        self._made: dict[tuple[int, ...], Any] = {}
        self._options = {
            "NUM_STREAMS": str(streams),
            "INFERENCE_NUM_THREADS": str(cores()),
            # A thread that may not leave its core waits there for other programs.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": "f32" if device.dtype == torch.float32 else "bf16",
        }

    def size_for(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the compiled size that a batch is run in: its own, or one with more pictures."""
        with self._lock:
            room = [size for size in self._made if size[1:] == shape[1:] and size[0] >= shape[0]]
        return min(room, default=shape)

    def __call__(self, size: tuple[int, ...]) -> Any:
        """Return the network compiled for (b, H, W, 3) pixels."""
        with self._lock:
            if size not in self._made:
                while len(self._made) >= MOST_COMPILED:
                    self._made.pop(next(iter(self._made)))
                core = openvino().Core()
                core.set_property({"ENABLE_MMAP": False})  # the files may go while it is in use
                model = kept_or_converted(core, self._network, size)
                self._made[size] = core.compile_model(model, "CPU", self._options)
            return self._made[size]


def kept_or_converted(core: Any, network: nn.Module, size: tuple[int, ...]) -> Any:
    """Return OpenVINO's model of a network, kept since it was first converted: seconds each time.

    What is kept are two files of OpenVINO's own, a graph and plain numbers; nothing in them is
    code.
    """
    folder = cache_folder()
    path = None if folder is None else folder / f"{_key(network, size)}{SUFFIX}"
    if path is not None:
        with suppress(RuntimeError, OSError):
            model = core.read_model(path / MODEL)
            path.touch()  # used lately
            return model
    model = converted(network, size)
    if path is not None:
        with suppress(RuntimeError, OSError, OutputError):  # what cannot be kept is made again
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_folder(path, "a converted encoder") as temporary:
                openvino().save_model(model, temporary / MODEL, compress_to_fp16=False)
            _forget_the_oldest(path.parent)
            return core.read_model(path / MODEL)
    # Read back here too: what is read is simplified, which changes the last digits.
    with tempfile.TemporaryDirectory(prefix="mclstexp-openvino-") as own:
        openvino().save_model(model, Path(own, MODEL), compress_to_fp16=False)
        return core.read_model(Path(own, MODEL))


def _key(network: nn.Module, size: tuple[int, ...]) -> str:
    """Return a checksum of all that a converted network is."""
    inner = getattr(network, "network", network)
    versions = (openvino().__version__, torch.__version__)
    digest = hashlib.sha256(repr((1, size, versions, getattr(inner, "layers", ()))).encode())
    digest.update(repr(network).encode())
    for name, value in (*network.named_parameters(), *network.named_buffers()):
        digest.update(name.encode())
        digest.update(value.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _forget_the_oldest(folder: Path) -> None:
    own = (each for each in folder.glob(f"*{SUFFIX}") if KEY.fullmatch(each.stem))
    for each in sorted(own, key=lambda path: path.stat().st_mtime, reverse=True)[MOST_KEPT:]:
        shutil.rmtree(each, ignore_errors=True)


def converted(network: nn.Module, size: tuple[int, ...]) -> Any:
    """Return OpenVINO's model of a network for (b, H, W, 3) pixels.

    By its front end itself: its tool around that, `convert_model`, reports to its makers.
    """
    openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of tracing: sizes become constants, as they shall
        example = torch.zeros(size, dtype=torch.uint8)
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
        # Both must live until the end: OpenVINO keeps no hold of Python's objects.
        fronts, decoder = FrontEndManager(), TorchScriptPythonDecoder(traced)
        front = fronts.load_by_framework("pytorch")
        model = front.convert(front.load(decoder))
    model.reshape(list(size))
    return model


def _filled(pixels: Pixels, size: tuple[int, ...]) -> Pixels:
    """Return a batch with empty pictures behind it, as many as its size has room for."""
    if pixels.shape == size:
        return np.ascontiguousarray(pixels)
    whole = np.zeros(size, dtype=np.uint8)
    whole[: len(pixels)] = pixels
    return whole


def _infer(
    request: Any, pixels: Pixels, n: int, finish: Finish, cancel: CancelToken
) -> list[Values]:
    request.set_input_tensor(openvino().Tensor(pixels, shared_memory=True))
    request.start_async()
    while not request.wait_for(LOOK_MS):
        if cancel.cancelled:
            request.cancel()
            try:
                request.wait()
            except RuntimeError as error:
                raise Cancelled("The run was cancelled.") from error
            cancel.raise_if_cancelled()
    found = [torch.from_numpy(each.data[:n]) for each in request.output_tensors]
    with torch.inference_mode():
        # Copied: the request writes its next result in the same place.
        return [each.clone().numpy() for each in finish(found)]
