// What happens when: the table, the map and the card follow one another.

function hover(row) {
  if (row === seen.hover) return;
  for (const line of $("table").tBodies[0].rows) line.classList.toggle("hover", +line.dataset.row === row);
  box.classList.toggle("over", row >= 0);
  seen.hover = row;
  place(view.k, view.x, view.y);
}

function select(row) {
  seen.selected = row;
  turnTo(row);
  $("table").querySelector('[aria-selected="true"]')?.scrollIntoView({block: "nearest", inline: "nearest"});
  if (!card.hidden) open(row);
  place(view.k, view.x, view.y);
}

function open(row, fly = true) {
  seen.selected = row;
  turnTo(row);
  card.hidden = false;
  document.body.classList.add("opened");
  drawCard(row, (by) => openAndFocus(seen.rows[seen.rows.indexOf(row) + by]), () => close());
  const at = (key) => DATA.images.findIndex((image) => image.file && image.file === value(key, row));
  if (at("source_before") >= 0 && at("source_after") >= 0) showImages(at("source_before"), at("source_after"));
  history.replaceState(null, "", "#" + encodeURIComponent(DATA.ids[row]));
  if (fly) flyTo(row);
  $("table").querySelector('[aria-selected="true"]')?.scrollIntoView({block: "nearest", inline: "nearest"});
}

function openAndFocus(row) {
  open(row);
  if (matchMedia("(max-width: 640px)").matches) box.scrollIntoView({block: "start"}); // the card lies below it there
  card.focus({preventScroll: true});
}

function close(focus = true) {
  if (card.hidden) return;
  card.hidden = true;
  document.body.classList.remove("opened");
  history.replaceState(null, "", "#");
  if (focus) focusRow(seen.selected);
}

function follow() { // a link to one of them: report.html#its-id
  let id = location.hash.slice(1);
  try { id = decodeURIComponent(id); } catch { return; }
  if (!rowOf.has(id)) return;
  if (!seen.rows.includes(rowOf.get(id))) $("clear").click();
  openAndFocus(rowOf.get(id));
}

function toCsv(rows) {
  const all = [...columns.values()];
  const head = ["id", ...all.map((column) => column.key), "lat", "lon"];
  const lines = rows.map((row) => {
    const [lon, lat] = lonLat(...middle(row)) || [];
    return [DATA.ids[row], ...all.map((column) => column.values[row] ?? ""), lat?.toFixed(6) ?? "", lon?.toFixed(6) ?? ""];
  });
  return csv([head, ...lines]);
}

function toGeoJson(rows) {
  const point = ([x, y]) => (lonLat(x, y) || [0, 0]).map((degree) => Math.round(degree * 1e6) / 1e6);
  const turning = (ring) => ring.reduce((sum, [x, y], at) => { const [u, v] = ring[(at + 1) % ring.length]; return sum + x * v - u * y; }, 0);
  const features = rows.map((row) => ({
    type: "Feature",
    id: DATA.ids[row],
    properties: Object.fromEntries([...columns.values()].map((column) => [column.key, column.values[row]])),
    geometry: {
      type: "MultiPolygon",
      coordinates: outlines[row].rings.map((rings) => rings.map((ring, at) => {
        const points = ring.map(point);
        if (turning(points) > 0 !== (at === 0)) points.reverse(); // shells turn left, holes right: RFC 7946
        return [...points, points[0]];
      })),
    },
  }));
  return JSON.stringify({type: "FeatureCollection", features});
}

startMap(hover, (row) => row < 0 ? close(false) : open(row, false));
startTable(hover, select, openAndFocus);
drawLegend();
refilter();
$("csv").addEventListener("click", () => save(toCsv(seen.rows), "text/csv", DATA.name + ".csv"));
$("geojson").addEventListener("click", () => save(toGeoJson(seen.rows), "application/geo+json", DATA.name + ".geojson"));
addEventListener("hashchange", follow);
addEventListener("keydown", (event) => {
  if (event.key === "Escape") return close();
  if (event.target.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "+" || event.key === "=") zoomAt(1.6);
  else if (event.key === "-" || event.key === "−") zoomAt(1 / 1.6);
  else if (event.key === "0") whole();
});
follow();
