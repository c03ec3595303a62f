"""The OpenAI API's `/v1/embeddings` around MiniLM, for measuring search with a real model. See README.md.

Vectors are kept in a file by the hash of their text, because the same corpus is measured again and again.
"""

import argparse
import hashlib
import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from minilm import MiniLM

# Texts in one pass through the model: what a pass computes then stays in the processor's cache.
AT_ONCE = 4


class Vectors:
    """The model behind its cache. One call computes at a time, on all cores."""

    def __init__(self, file):
        self.model = MiniLM()
        self.lock = threading.Lock()
        self.cores = ThreadPoolExecutor()
        self.kept = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self.kept.execute("PRAGMA journal_mode = WAL")
        self.kept.execute("CREATE TABLE IF NOT EXISTS vectors (hash BLOB PRIMARY KEY, vector BLOB NOT NULL)")

    def of(self, texts):
        """The vectors of texts in their order, and how many tokens there were."""
        hashes = [hashlib.sha256(text.encode()).digest() for text in texts]
        with self.lock:
            tokens = self.model.tokens(texts)
            found = {digest: vector for digest in set(hashes) if (vector := self._kept(digest)) is not None}
            missing = {digest: ids for digest, ids in zip(hashes, tokens) if digest not in found}
            # Texts of one length together: padding is computed like everything else.
            by_length = sorted(missing, key=lambda digest: len(missing[digest]))
            parts = [by_length[first : first + AT_ONCE] for first in range(0, len(by_length), AT_ONCE)]
            embedded = self.cores.map(lambda part: self.model.embed([missing[digest] for digest in part]), parts)
            for some, vectors in zip(parts, embedded):
                for digest, vector in zip(some, vectors.astype(np.float32)):
                    self.kept.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", (digest, vector.tobytes()))
                    found[digest] = vector
        return [found[digest] for digest in hashes], sum(len(ids) for ids in tokens)

    def _kept(self, digest):
        row = self.kept.execute("SELECT vector FROM vectors WHERE hash = ?", (digest,)).fetchone()
        return None if row is None else np.frombuffer(row[0], dtype=np.float32)


class Embeddings(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    vectors: Vectors

    def do_GET(self):
        if self.path == "/v1/models":
            self._answer(200, {"object": "list", "data": [{"id": MiniLM.name, "object": "model"}]})
        else:
            self._refuse(404, "there is /v1/embeddings and /v1/models")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path != "/v1/embeddings":
            return self._refuse(404, "there is /v1/embeddings and /v1/models")
        try:
            asked = json.loads(body)
            texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        except (ValueError, KeyError, TypeError):
            return self._refuse(400, "input: a text, or a list of texts")
        if not texts or not all(isinstance(text, str) and text for text in texts):
            return self._refuse(400, "input: texts that are not empty")
        if asked.get("encoding_format", "float") != "float":
            return self._refuse(400, "encoding_format: only float")
        vectors, tokens = self.vectors.of(texts)
        data = [
            {"object": "embedding", "index": index, "embedding": [float(value) for value in vector]}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        self._answer(200, {"object": "list", "data": data, "model": MiniLM.name, "usage": usage})

    def _refuse(self, status, message):
        self._answer(status, {"error": {"message": message, "type": "invalid_request_error", "code": None}})

    def _answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=8089)
    arguments.add_argument("--cache", default="vectors.sqlite")
    arguments = arguments.parse_args()
    Embeddings.vectors = Vectors(arguments.cache)
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Embeddings)
    print(f"{MiniLM.name}, 384 dimensions: http://127.0.0.1:{server.server_port}/v1/embeddings", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
