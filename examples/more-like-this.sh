#!/usr/bin/env bash
# Show one mine, find others: vectors learnt without a label, searched by likeness.
#
#   examples/more-like-this.sh          writes into the current folder
set -euo pipefail
python "$(dirname "$0")/world.py" world

# A network learns to tell places apart: what lies near belongs together, what lies far does not.
geolabel embed train world/after.tif --size 32 --epochs 3 --steps 20 -o embedder

# A vector for each place of a lattice; region.colours.tif shows likeness as colour.
geolabel embed encode world/after.tif --model embedder/model.safetensors --stride 16 -o region.embeddings.parquet

# Longitude and latitude of a place that you know; similar.html and similar.gpkg show the places most like it, best first.
geolabel embed search region.embeddings.parquet --like "$(python "$(dirname "$0")/a_mine.py" world)" --top 20 -o similar.gpkg

# Groups to look at, and to name.
geolabel embed cluster region.embeddings.parquet -k 8 -o clusters.parquet
