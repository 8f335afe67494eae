"""Run multilingual-e5-small with 8-bit products in onnxruntime, twice as fast as float32.

Each token's activations are rounded to 8 bits between their own least and greatest value, each
output's weights to -127..127; the few features that are far greater than the rest stay float32, as
in Dettmers et al., "LLM.int8()" (2022). One window at a time, so that nothing is padded and no
vector depends on another text. One scale a matrix, as in onnxruntime's dynamic quantisation, loses
.004 in cosine; a scale a token .001; with the great features apart .0002.

The graph is written here as ONNX protocol buffers (the numbers in `_Graph` are the fields of
onnx.proto), which spares the onnx package.
"""

import importlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from retrieval.providers.e5_file import EPSILON, HEADS, INNER, LAYERS, WIDTH, WeightsFile
from retrieval.types import Float32

_PROBE = "passage: 피자 Night: 12 files, see https://example.org\n\nfor x in range(10): print(x)"
_GREAT = 8  # features that stay float32 before a product
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
_MICROSOFT = "com.microsoft"


class Int8Network:
    """The transformer as an onnxruntime session; safe to share between threads."""

    def __init__(self, file: WeightsFile) -> None:
        """Build the graph.

        Raises:
            ModuleNotFoundError: onnxruntime is not installed.
        """
        self._embed, self._session = file.embed, _session(_network(file))
        self._mean, self._last = (output.name for output in self._session.get_outputs())

    def __call__(self, windows: Sequence[Sequence[int]]) -> Float32:
        """Return the mean of the last activations of each window, (windows, 384)."""
        return np.vstack([self._run(self._mean, w) for w in windows])

    def activations(self, windows: Sequence[Sequence[int]]) -> list[Float32]:
        """Return the last activations of each window, (pieces + 2, 384)."""
        return [self._run(self._last, w) for w in windows]

    def _run(self, output: str, window: Sequence[int]) -> Float32:
        return cast(Float32, self._session.run([output], {"x": self._embed(window)})[0])


def load(file: WeightsFile) -> Int8Network | None:
    """Return the network, or None where onnxruntime is missing or its products are not exact."""
    return Int8Network(file) if available() else None


@cache
def available() -> bool:
    """Tell whether onnxruntime is installed and computes 8-bit products exactly here."""
    return find_spec("onnxruntime") is not None and _exact()


def _exact() -> bool:
    """Tell whether 8-bit products keep all bits; x86-64 without VNNI saturates them at 16."""
    graph = _Graph()
    graph.node("MatMulInteger", "x", graph.constant(np.full((64, 64), 127, np.int8)))
    x = np.full((8, 64), 255, np.uint8)
    found = _session(graph.model(x.dtype, np.dtype(np.int32))).run(None, {"x": x})[0]
    return bool((found == 64 * 255 * 127).all())


def _session(model: bytes) -> Any:  # onnxruntime has no types
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1  # the caller runs windows side by side
    options.log_severity_level = 3
    # More than BASIC would fuse sums into SkipLayerNormalization, which is slower than its parts.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class _Graph:
    """An ONNX graph under construction; each addition returns its name."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: dict[str, bytes] = {}

    def constant(self, value: NDArray[Any]) -> str:
        dims = b"".join(_number(1, size) for size in value.shape)
        name = f"c{len(self._constants)}"
        body = dims + _number(2, _TYPES[value.dtype.name]) + _text(8, name)
        self._constants[name] = body + _field(9, value.tobytes())
        return name

    def axis(self, number: int) -> str:
        return self.constant(np.array([number], np.int64))

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: float) -> str:
        name = f"v{len(self._nodes)}"
        body = b"".join(_text(1, x) for x in inputs) + _text(2, name) + _text(4, kind)
        body += b"".join(_field(5, _attribute(*pair)) for pair in attributes.items())
        self._nodes.append(body + _text(7, domain))
        return name

    def model(self, source: np.dtype[Any], result: np.dtype[Any], *outputs: str) -> bytes:
        """Return the model with one input, x, and outputs, by default the last node; matrices."""
        body = b"".join(_field(1, node) for node in self._nodes) + _text(2, "e5")
        body += b"".join(_field(5, constant) for constant in self._constants.values())
        body += _field(11, _matrix("x", source))
        for name in outputs or (f"v{len(self._nodes) - 1}",):
            body += _field(12, _matrix(name, result))
        versions = (("", 20), (_MICROSOFT, 1))
        used = b"".join(_field(8, _text(1, name) + _number(2, v)) for name, v in versions)
        return _number(1, 9) + _field(7, body) + used


def _matrix(name: str, dtype: np.dtype[Any]) -> bytes:
    dims = b"".join(_field(1, _text(2, f"{name}{axis}")) for axis in range(2))
    kind = _field(1, _number(1, _TYPES[dtype.name]) + _field(2, dims))
    return _text(1, name) + _field(2, kind)


def _attribute(name: str, value: float) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    return _text(1, name) + b"\x15" + struct.pack("<f", value) + _number(20, 1)


def _text(field: int, value: str) -> bytes:
    return _field(field, value.encode())


def _field(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value % (1 << 64))


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


@dataclass(frozen=True, slots=True)
class _Value:
    """Activations (tokens, features): a name in the graph and, for the probe, the numbers."""

    name: str
    probe: Float32


@dataclass(frozen=True, slots=True)
class _Rounded:
    """Activations x = step (codes - zero), but for the great features.

    Names of codes (tokens, features), step (tokens, 1) and rest = [step zero, 1, great features].
    """

    codes: str
    step: str
    rest: str
    great: NDArray[np.int64]
    probe: Float32


def _network(file: WeightsFile) -> bytes:
    """Build the graph beside a probe, whose activations show which features are great."""
    build = _Builder(file)
    x = build.norm(_Value("x", file.embed(file.tokens.ids(_PROBE))), "emb.ln")
    for number in range(LAYERS):
        x = build.layer(x, f"l{number}.")
    mean = build.graph.node("ReduceMean", x.name, build.graph.axis(0), keepdims=1)
    return build.graph.model(np.dtype(np.float32), np.dtype(np.float32), mean, x.name)


class _Builder:
    def __init__(self, file: WeightsFile) -> None:
        self.graph, self._file = _Graph(), file

    def layer(self, x: _Value, name: str) -> _Value:
        rounded = self.rounded(x)
        mixed = self.attend(*(self.linear(rounded, name + part) for part in "qkv"))
        y = self.linear(self.rounded(mixed), name + "ao")
        x = self.norm(self.add(x, y), name + "aln")
        y = self.gelu(self.linear(self.rounded(x), name + "fi"))
        y = self.linear(self.rounded(y), name + "fo", INNER)
        return self.norm(self.add(x, y), name + "oln")

    def rounded(self, x: _Value) -> _Rounded:
        """Round each row to 8 bits; it has both signs, as all rows of this network have."""
        node, constant, axis = self.graph.node, self.graph.constant, self.graph.axis
        great = np.argsort(abs(x.probe).max(0))[-_GREAT:]
        small = np.ones(x.probe.shape[1], np.float32)
        small[great] = 0
        rest = node("Mul", x.name, constant(small))
        low = node("ReduceMin", rest, axis(1), keepdims=0)
        high = node("ReduceMax", rest, axis(1), keepdims=0)
        step = node("Mul", node("Sub", high, low), constant(np.array(1 / 255, np.float32)))
        zero = node("Cast", node("Neg", node("Div", low, step)), to=_TYPES["uint8"])
        codes = node("QuantizeLinear", rest, step, zero, axis=0)
        shift = node("Mul", node("Cast", zero, to=_TYPES["float32"]), step)
        step, shift = node("Unsqueeze", step, axis(1)), node("Unsqueeze", shift, axis(1))
        kept = node("Gather", x.name, constant(great), axis=1)
        rest = node("Concat", shift, node("Div", step, step), kept, axis=1)
        return _Rounded(codes, step, rest, great, x.probe)

    def linear(self, x: _Rounded, name: str, inputs: int = WIDTH) -> _Value:
        """Multiply: step (codes W) + rest [-sums of W; bias; weights of the great features]."""
        weight, bias = self._file.linear(name, inputs)
        small = weight.copy()
        small[:, x.great] = 0
        scale = abs(small).max(1) / np.float32(127)
        codes = np.rint(small / scale[:, None]).astype(np.int8)
        sums = scale * codes.sum(1, dtype=np.float32)
        rest = np.vstack([-sums, bias[:, 0], weight[:, x.great].T])
        product = self.graph.node(
            "MatMulIntegerToFloat",
            x.codes,
            self.graph.constant(np.ascontiguousarray(codes.T)),
            self.graph.constant(np.array(1, np.float32)),
            self.graph.constant(scale),
            domain=_MICROSOFT,
        )
        product = self.graph.node("Mul", product, x.step)
        result = self.graph.node("Gemm", x.rest, self.graph.constant(rest), product)
        return _Value(result, x.probe @ weight.T + bias[:, 0])

    def attend(self, *qkv: _Value) -> _Value:
        batch = [self.graph.node("Unsqueeze", x.name, self.graph.axis(0)) for x in qkv]
        mixed = self.graph.node("MultiHeadAttention", *batch, domain=_MICROSOFT, num_heads=HEADS)
        mixed = self.graph.node("Squeeze", mixed, self.graph.axis(0))
        q, k, v = (x.probe.reshape(len(x.probe), HEADS, -1).swapaxes(0, 1) for x in qkv)
        scores = q @ k.swapaxes(1, 2) / np.float32(np.sqrt(WIDTH / HEADS))
        shares = np.exp(scores - scores.max(2, keepdims=True))
        probe = (shares / shares.sum(2, keepdims=True)) @ v
        return _Value(mixed, probe.swapaxes(0, 1).reshape(-1, WIDTH))

    def norm(self, x: _Value, name: str) -> _Value:
        weight, bias = (part[:, 0] for part in self._file.norm(name))
        constants = self.graph.constant(weight), self.graph.constant(bias)
        result = self.graph.node("LayerNormalization", x.name, *constants, epsilon=EPSILON)
        centred = x.probe - x.probe.mean(1, keepdims=True)
        return _Value(result, centred / centred.std(1, keepdims=True) * weight + bias)

    def add(self, x: _Value, y: _Value) -> _Value:
        return _Value(self.graph.node("Add", x.name, y.name), x.probe + y.probe)

    def gelu(self, x: _Value) -> _Value:
        root = np.float32(np.sqrt(2 / np.pi))
        inner = np.tanh(root * (x.probe + np.float32(0.044715) * x.probe**3))
        return _Value(self.graph.node("Gelu", x.name, domain=_MICROSOFT), x.probe * (1 + inner) / 2)
