"""Networks run by OpenVINO: on processors, several batches at once, each on cores of its own."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import torch

from geolabel.errors import InstallError, OptionError
from geolabel.learn.engines.batches import padded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor, nn

    from geolabel.learn.engines.engine import Engine

_PRECISIONS = {"fp32": "f32", "bf16": "bf16"}
_GRAPHS: WeakKeyDictionary[nn.Module, Any] = WeakKeyDictionary()
"""Converting takes half a second, and a trial tries one network in several ways."""


def load_openvino() -> Any:
    """The package, kept from telling its maker over the net that it is used. Raises InstallError."""
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = cast("Any", None)  # as if not installed: openvino has a stub for that
    try:
        import openvino
    except ImportError as error:
        raise InstallError(
            f'--engine openvino needs OpenVINO, which cannot be imported ({error}): pip install "geolabel[cpu]"'
        ) from error
    return openvino


class OpenVinoRun:
    """A network as OpenVINO's graph: batches of normalised chips in, logits out; compiled for each size of chips."""

    def __init__(self, network: nn.Module, engine: Engine) -> None:
        self._openvino = load_openvino()
        self._network, self._engine = network, engine
        self._requests: dict[tuple[int, ...], list[Any]] = {}

    def __call__(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Logits (n, classes) of each batch (n, bands, h, w), n at most the engine's batch, in order."""
        waiting: list[tuple[Any, int, Tensor]] = []
        for chips in batches:
            requests = self._for(tuple(chips.shape[1:]))
            if len(waiting) == len(requests):
                yield _finish(*waiting.pop(0))
            free = next(one for one in requests if not any(one is used for used, _, _ in waiting))
            whole = padded(chips, self._engine.batch).contiguous()
            free.start_async([whole.numpy()], share_inputs=True)
            waiting.append((free, len(chips), whole))  # its memory is read until the answer is there
        for one in waiting:
            yield _finish(*one)

    def _for(self, shape: tuple[int, ...]) -> list[Any]:
        """The requests that may be under way at once, for chips of a shape (bands, h, w). Raises OptionError."""
        requests = self._requests
        if shape not in requests:
            try:
                requests[shape] = self._compile(shape)
            except Exception as error:  # of the tracer, the frontend or the compiler, and of the network's own code
                raise OptionError(
                    f"--engine openvino: this network cannot be converted ({error}); use --engine torch"
                ) from error
        return requests[shape]

    def _compile(self, shape: tuple[int, ...]) -> list[Any]:
        graph = _graph(self._network, shape)
        graph.reshape([self._engine.batch, *shape])
        settings = {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[self._engine.precision],
            # batches beside each other, each on cores of its own, do not wait for each other within a layer
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        compiled = self._openvino.Core().compile_model(graph, "CPU", settings)
        count = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        return [compiled.create_infer_request() for _ in range(count)]


def _finish(request: Any, count: int, _: Tensor) -> Tensor:
    request.wait()
    return torch.from_numpy(request.get_output_tensor().data[:count].copy())


def _graph(network: nn.Module, shape: tuple[int, ...]) -> Any:
    """OpenVINO's graph of a network for chips (bands, h, w).

    Made by its frontend: `openvino.convert_model` takes several times as long.
    """
    known = _GRAPHS.setdefault(network, {})
    if shape not in known:
        with warnings.catch_warnings(), torch.inference_mode(mode=False):
            warnings.simplefilter("ignore")  # torch's advice to developers that tracing will be replaced
            known[shape] = _convert(network, torch.zeros(2, *shape))
    return known[shape].clone()


def _convert(network: nn.Module, example: Tensor) -> Any:
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    frontend = FrontEndManager().load_by_framework("pytorch")
    traced = TorchScriptPythonDecoder(network, example_input=(example,), trace_kwargs={"check_trace": False})
    return frontend.convert(frontend.load(traced))
