#!/usr/bin/env bash
# Forest lost between two dates, without model or labels: alerts, a map for the browser, and an honest area.
#
#   examples/deforestation-two-dates.sh          writes into the current folder
#
# With data of your own: two images with red, green, blue and near infrared, and their dates where the names do not tell.
set -euo pipefail
python "$(dirname "$0")/world.py" world

# alerts/ holds polygons with date, confidence, hectares and pictures before and after; report.html needs no network.
geolabel detect deforestation world/before.tif world/after.tif --dates 2019-07-15,2021-08-02 --mmu 0.5ha -o alerts

# For those who have no QGIS: one light file to send by mail.
geolabel export alerts --to geojson --simplify 10m -o alerts.geojson

# Pixels counted on a map are no area: the map errs. A person looks at a random sample of it in QGIS and fills in the form;
# then `geolabel area estimate sample.gpkg -o areas` gives hectares with 95 % intervals.
geolabel area sample alerts --points 200 -o sample.gpkg
