/** Folder and file of the loader inside a model folder; MLflow puts the folder on `sys.path`. */
export const PYTHON_CODE_FOLDER = 'code'
export const PYTHON_LOADER_FILE = 'esteira_pyfunc.py'

/**
 * The Python side of a saved model: the same transform and the same scores as ours, from NumPy, pandas and (for tree
 * models) xgboost alone. It lives in a string because a compiled package holds JavaScript only.
 */
export const PYTHON_LOADER = `"""Scores raw features with a model that Esteira saved.

MLflow calls _load_pyfunc; without MLflow:

    import sys; sys.path.insert(0, "<model folder>/code")
    from esteira_pyfunc import _load_pyfunc
    _load_pyfunc("<model folder>").predict(frame)   # columns prediction (0 or 1) and probability

Needs numpy and pandas, and xgboost for the model types xgboost and random_forest.
"""
import json
import os

import numpy as np
import pandas as pd

LARGEST = 3.4028234663852886e38
LARGEST_SCALED = 1e6


def _load_pyfunc(path):
    return EsteiraModel(path)


class EsteiraModel:
    def __init__(self, path):
        self.description = _read_json(path, "esteira_model.json")
        self.transformer = _read_json(path, "transformer.json")
        for name, document in (("esteira.model", self.description), ("esteira.feature_transformer", self.transformer)):
            if document.get("format") != name or document.get("version") != 1:
                raise ValueError(f"{path}: expected format {name} version 1, found {document.get('format')} {document.get('version')}")
        self.scorer = SCORERS[self.description["model_type"]](path, self.description)

    def predict(self, data, params=None):
        frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
        values = transform(self.transformer, frame)
        probability = np.asarray(self.scorer(values), dtype=np.float64)
        prediction = (probability >= self.description["threshold"]).astype(np.int32)
        return pd.DataFrame({"prediction": prediction, "probability": probability}, index=frame.index)


def transform(transformer, frame):
    """Rows of features as one float32 matrix, the same numbers as the TypeScript FeatureTransformer gives."""
    columns = transformer["columns"]
    absent = [column["name"] for column in columns if column["name"] not in frame.columns]
    if absent:
        raise ValueError(f"the rows do not fit the model: missing columns {absent[:5]}; found {list(frame.columns)[:20]}")
    outputs = []
    for column in columns:
        encode = _levels if column["kind"] == "string" else _numbers
        outputs.extend(encode(column, frame[column["name"]]))
    matrix = np.empty((len(frame), len(outputs)), dtype=np.float32)
    for position, output in enumerate(outputs):
        matrix[:, position] = output
    return matrix


def _numbers(column, series):
    try:
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {column['name']}: expected a {column['kind']}, found {series.dtype}: {error}") from error
    with np.errstate(invalid="ignore"):
        missing = ~(np.abs(values) <= LARGEST)
    if column["output"] is not None:
        known = np.where(missing, np.nan if column["fill"] is None else column["fill"], values)
        scaling = column["scaling"]
        if scaling is not None:
            known = np.clip((known - scaling["mean"]) / scaling["scale"], -LARGEST_SCALED, LARGEST_SCALED)
        yield known
    if column["missing"] is not None:
        yield missing


def _levels(column, series):
    texts = series.astype(object)
    missing = texts.isna().to_numpy()
    positions = {entry["level"]: position for position, entry in enumerate(column["levels"])}
    codes = np.fromiter((-1 if gone else positions.get(text, -1) for text, gone in zip(texts, missing)), np.int64, len(texts))
    for position in range(len(positions)):
        yield codes == position
    if column["missing"] is not None:
        yield missing


def _sigmoid(z):
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-z))


def _trees(path, description):
    import xgboost

    saved = description["library"]["version"]
    if _version(xgboost.__version__) < _version(saved):
        raise RuntimeError(f"the model was saved by XGBoost {saved}; xgboost {xgboost.__version__} is older and would predict other numbers")
    booster = xgboost.Booster()
    booster.load_model(os.path.join(path, description["model_files"][0]))
    return lambda values: booster.inplace_predict(values, missing=np.nan) if len(values) else np.empty(0)


def _linear(path, description):
    weights = _read_json(path, description["model_files"][0])
    coefficients = np.asarray(weights["coefficients"], dtype=np.float64)
    return lambda values: _sigmoid(values.astype(np.float64) @ coefficients + weights["intercept"])


def _network(path, description):
    topology = _read_json(path, description["model_files"][0])
    weights = np.fromfile(os.path.join(path, topology["weights_file"]), dtype="<f4").astype(np.float64)
    layers, at, size = [], 0, topology["inputs"]
    for layer in topology["layers"]:
        units = layer["units"]
        kernel = weights[at : at + size * units].reshape(size, units)
        bias = weights[at + size * units : at + size * units + units]
        layers.append((kernel, bias, ACTIVATIONS[layer["activation"]]))
        at, size = at + size * units + units, units

    def score(values):
        z = values.astype(np.float64)
        for kernel, bias, activation in layers:
            z = activation(z @ kernel + bias)
        return _sigmoid(z[:, 0])

    return score


def _small_forest(path, description):
    trees = []
    for nodes in _read_json(path, description["model_files"][0])["trees"]:
        feature = np.array([-1 if node["feature"] is None else node["feature"] for node in nodes])
        fields = [np.array([node[name] for node in nodes]) for name in ("threshold", "left", "right", "probability")]
        trees.append((feature, *fields))

    def score(values):
        wide = values.astype(np.float64)
        total = np.zeros(len(wide))
        for feature, threshold, left, right, probability in trees:
            at = np.zeros(len(wide), dtype=np.int64)
            inside = np.flatnonzero(feature[at] >= 0)
            while inside.size:
                here = at[inside]
                smaller = wide[inside, feature[here]] < threshold[here]
                at[inside] = np.where(smaller, left[here], right[here])
                inside = inside[feature[at[inside]] >= 0]
            total += probability[at]
        return total / len(trees)

    return score


ACTIVATIONS = {"relu": lambda z: np.maximum(z, 0.0), "tanh": np.tanh, "linear": lambda z: z}
SCORERS = {
    "xgboost": _trees,
    "random_forest": _trees,
    "logistic_regression": _linear,
    "neural_network": _network,
    "ml_random_forest": _small_forest,
}


def _version(text):
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())


def _read_json(path, name):
    with open(os.path.join(path, name), encoding="utf-8") as file:
        return json.load(file)
`
