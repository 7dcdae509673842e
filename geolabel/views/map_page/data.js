// What the page knows: rows, columns, outlines, and where a pixel lies on Earth.

const DATA = JSON.parse($("data").textContent);
const COUNT = DATA.ids.length;

const columns = new Map(DATA.columns.map((column) =>
  [column.key, {...column, values: column.different ? column.at.map((at) => column.different[at]) : column.values}]));

function value(key, row) {
  return columns.has(key) ? columns.get(key).values[row] : null;
}

function written(column, row, unit = column.unit) {
  const said = column.values[row];
  if (said === null || said === "") return "–";
  if (column.kind !== "number") return said;
  const number = said.toLocaleString("en", {maximumFractionDigits: column.digits});
  return unit ? number + " " + unit : number;
}

const titleOf = (row) => value("title", row) || value("class", row) || "Polygon";
const confidenceOf = (row) => value("confidence", row) ?? 1;
const areaOf = (row) => value("area_ha", row) ?? 0;
const rowOf = new Map(DATA.ids.map((id, row) => [id, row]));

// Outlines come as steps from corner to corner, in hundredths of a pixel.
const outlines = DATA.outlines.map((polygons) => {
  const path = new Path2D();
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const rings = polygons.map((polygon) => polygon.map((steps) => {
    const ring = [];
    for (let at = 0, x = 0, y = 0; at < steps.length; at += 2) {
      x += steps[at] / 100;
      y += steps[at + 1] / 100;
      ring.push([x, y]);
      if (at) path.lineTo(x, y); else path.moveTo(x, y);
      box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x); box[3] = Math.max(box[3], y);
    }
    path.closePath();
    return ring;
  }));
  return {path, box, rings};
});

function middle(row) {
  const [left, top, right, bottom] = outlines[row].box;
  return [(left + right) / 2, (top + bottom) / 2];
}

// Longitude and latitude of a pixel, between the nodes of a lattice; null where it has none.
function lonLat(x, y) {
  const cells = DATA.lon.length - 1;
  const across = x / DATA.width * cells, down = y / DATA.height * cells;
  const col = Math.min(cells - 1, Math.max(0, Math.floor(across))), row = Math.min(cells - 1, Math.max(0, Math.floor(down)));
  const u = across - col, v = down - row;
  const at = (lattice) => {
    const [[a, b], [c, d]] = [lattice[row], lattice[row + 1]].map((line) => [line[col], line[col + 1]]);
    if ([a, b, c, d].includes(null)) return null;
    return (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v;
  };
  const lon = at(DATA.lon), lat = at(DATA.lat);
  return lon === null || lat === null ? null : [((lon + 180) % 360 + 360) % 360 - 180, lat];
}
