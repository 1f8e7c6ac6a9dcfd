"""Makes reference.json: outputs of long short-term memories by numpy alone, in double precision.

Cells as in Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000), gates in torch's order (i, f, g, o);
attention over the hidden states h_1 .. h_L of the last layer: weights softmax_k(h_k . (W h_L) / sqrt(H)), and the output
layer reads (h_L, context).
Weights and windows are numbers of single precision, so that both precisions start from the same ones.

    python3 reference.py > reference.json        (numpy 1.24.2; no other package)
"""
import json
import numpy as np

ROWS = 3


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def layer(sequence, w):
    hidden = w["weight_hh"].shape[1]
    h, c = np.zeros((ROWS, hidden)), np.zeros((ROWS, hidden))
    out = []
    for x in sequence:
        gates = x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"]
        i, f, g, o = np.split(gates, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return out


def case(name, random, values, leads, lags, hidden, layers, attention, inputs=None):
    def draw(*shape):
        return random.normal(0, 0.6, shape).astype(np.float32).astype(np.float64)

    seen = values if inputs is None else inputs
    weights = {}
    for k in range(layers):
        weights[f"cells.{k}.weight_ih"] = draw(4 * hidden, seen if k == 0 else hidden)
        weights[f"cells.{k}.weight_hh"] = draw(4 * hidden, hidden)
        weights[f"cells.{k}.bias_ih"] = draw(4 * hidden)
        weights[f"cells.{k}.bias_hh"] = draw(4 * hidden)
    if attention:
        weights["query.weight"] = draw(hidden, hidden)
    weights["output.weight"] = draw(leads * values, (2 if attention else 1) * hidden)
    weights["output.bias"] = draw(leads * values)
    window = draw(ROWS, lags, values)

    sequence = [window[:, k, :seen] for k in range(lags)]
    for k in range(layers):
        sequence = layer(sequence, {part: weights[f"cells.{k}.{part}"] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")})
    read = sequence[-1]
    if attention:
        query = read @ weights["query.weight"].T
        scores = np.stack([(h * query).sum(axis=1) for h in sequence], axis=1) / np.sqrt(hidden)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        share = scores / scores.sum(axis=1, keepdims=True)
        context = sum(share[:, [k]] * h for k, h in enumerate(sequence))
        read = np.concatenate([read, context], axis=1)
    output = (read @ weights["output.weight"].T + weights["output.bias"]).reshape(ROWS, leads, values)

    def table(array):
        return {"shape": list(array.shape), "values": array.ravel().tolist()}

    return {
        "name": name, "values": values, "leads": leads, "hidden": hidden, "layers": layers, "attention": attention, "inputs": inputs,
        "weights": {key: table(value) for key, value in weights.items()}, "window": table(window), "output": table(output),
    }


random = np.random.default_rng(16)
print(json.dumps([
    case("plain", random, values=3, leads=1, lags=4, hidden=5, layers=1, attention=False),
    case("attention", random, values=2, leads=3, lags=6, hidden=4, layers=1, attention=True),
    case("two layers", random, values=3, leads=2, lags=3, hidden=4, layers=2, attention=False),
    case("two layers, attention, leading values", random, values=4, leads=2, lags=5, hidden=3, layers=2, attention=True, inputs=2),
], indent=None, separators=(",", ":")))
