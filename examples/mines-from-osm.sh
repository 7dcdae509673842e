#!/usr/bin/env bash
# Mines: from what volunteers mapped in OpenStreetMap to a map of a later image that opens, styled, in QGIS.
#
#   examples/mines-from-osm.sh          writes into the current folder
#
# With data of your own: an image of the time of the mapping (before), one to search (after), and an extract of
# OpenStreetMap: --osm region.osm.pbf, as https://download.geofabrik.de has them, in the place of world/osm.gpkg.
set -euo pipefail
python "$(dirname "$0")/world.py" world

# Where tiles lie. 32 px of 10 m hold a mine and some of what surrounds it; half a tile's step gives twice as many each way.
geolabel tile world/before.tif --size 32 --stride 16 -o tiles.parquet

# How much of each tile is what. The scheme "mining" says which tags of OpenStreetMap mean a mine; where nobody mapped anything,
# a tile stays unknown. A tile of which a third is known counts: volunteers leave gaps.
geolabel label tiles.parquet --osm world/osm.gpkg --scheme mining --min-known .33

# Which tiles learn, and which judge: whole blocks, kept apart, so that the score is that of unseen places.
geolabel split tiles.parquet --block 1.5km

# A network of a minute. Take the default of --epochs, or more, for one that is to be used.
geolabel train tiles.parquet --epochs 8 -o run

# What it is worth: evaluation/report.html
geolabel evaluate run/model.safetensors tiles.parquet -o evaluation

# The later date. region.geolabel/project.qgz opens in QGIS; mines of less than half a hectare are left out.
geolabel predict world/after.tif --model run/model.safetensors --min-area .5ha -o region.geolabel
