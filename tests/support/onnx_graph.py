# onnx_graph.py - reads an ONNX file and evaluates its graph with numpy, for machines without onnxruntime.
import numpy as np

TYPES = {1: np.dtype("<f4"), 7: np.dtype("<i8"), 11: np.dtype("<f8")}


def fields(message):
    """The fields of a protobuf message as (field number, value); a value is a whole number or bytes."""
    at = 0

    def varint():
        nonlocal at
        number = shift = 0
        while True:
            byte = message[at]
            at, number, shift = at + 1, number | (byte & 0x7f) << shift, shift + 7
            if byte < 0x80:
                return number

    while at < len(message):
        key = varint()
        assert key & 7 in (0, 2), key
        value = varint()
        if key & 7 == 2:
            at, value = at + value, message[at:at + value]
            assert at <= len(message)
        yield key >> 3, value


def every(message, field):
    return [value for key, value in fields(message) if key == field]


def tensor(message):
    shape, (kind,), (name,) = every(message, 1), every(message, 2), every(message, 8)
    if kind == 8:
        return name.decode(), np.array([text.decode() for text in every(message, 6)], dtype=object)
    return name.decode(), np.frombuffer(every(message, 9)[0], TYPES[kind]).reshape(shape)


def softmax(x):
    shares = np.exp(x - x.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


OPERATIONS = {
    "Pow": lambda x, y: x ** y, "GatherElements": lambda x, places, axis: np.take_along_axis(x, places, axis),
    "Abs": lambda x: np.abs(x), "Add": lambda x, y: x + y, "Div": lambda x, y: x / y,
    "Equal": lambda x, y: x == y, "Greater": lambda x, y: x > y, "Less": lambda x, y: x < y,
    "Log": lambda x: np.log(x),
    "Mul": lambda x, y: x * y, "Sqrt": lambda x: np.sqrt(x), "Sub": lambda x, y: x - y,
    "Exp": lambda x: np.exp(x), "Neg": lambda x: -x, "Relu": lambda x: np.maximum(x, 0), "Where": np.where,
    "Cast": lambda x, to: x.astype(TYPES[to]),
    "ReduceSum": lambda x, axes, keepdims: x.sum(tuple(axes), keepdims=bool(keepdims)),
    "Gather": lambda x, places, axis: np.take(x, places, axis),
    "Gemm": lambda x, w, b, transB: x @ (w.T if transB else w) + b,
    "ArgMax": lambda x, axis, keepdims: x.argmax(axis, keepdims=bool(keepdims)),
    "Softmax": lambda x, axis: softmax(x),
}


class Graph:
    """The graph of a file: node types, metadata, and run(X) -> {output: value}."""

    def __init__(self, content):
        (graph,) = every(content, 7)
        self.metadata = {every(entry, 1)[0].decode(): every(entry, 2)[0].decode()
                         for entry in every(content, 14)}
        self.tensors = dict(tensor(message) for message in every(graph, 5))
        self.outputs = [every(message, 1)[0].decode() for message in every(graph, 12)]
        self.nodes = []
        for message in every(graph, 1):
            attributes = {every(a, 1)[0].decode(): every(a, 3)[0] for a in every(message, 5)}
            inputs, (output,), (kind,) = every(message, 1), every(message, 2), every(message, 4)
            self.nodes.append((kind.decode(), [name.decode() for name in inputs], output.decode(),
                               attributes))

    def run(self, X):
        known = {"X": X, **self.tensors}
        with np.errstate(all="ignore"):
            for kind, inputs, output, attributes in self.nodes:
                assert output not in known, output
                known[output] = OPERATIONS[kind](*(known[name] for name in inputs), **attributes)
        return {name: known[name] for name in self.outputs}
