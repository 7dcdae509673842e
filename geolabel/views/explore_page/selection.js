// Which tiles are selected: told in words, as pictures, and as a table to save.

function choose(rows, adding = false) {
  const before = adding ? seen.rows : [];
  const known = new Set(before);
  // of a single tile that is selected already, adding is taking away
  seen.rows = adding && rows.length === 1 && known.has(rows[0]) ? before.filter((row) => row !== rows[0]) : [...before, ...rows.filter((row) => !known.has(row))];
  seen.chosen.fill(0);
  for (const row of seen.rows) seen.chosen[row] = 1;
  drawSelection();
}

function drawSelection() {
  const {rows} = seen;
  $("said").textContent = rows.length ? `${count(rows.length)} ${rows.length === 1 ? "tile" : "tiles"} selected${summary(rows)}` : "Nothing is selected. Click a tile, or draw a rectangle or a lasso around some.";
  for (const id of ["show", "csv", "clear"]) $(id).disabled = !rows.length;
  fillGallery($("chosen"), rows);
  for (const view of views) view.redraw();
}

function summary(rows) {
  const colouring = colourings[seen.colouring];
  if (colouring.kind !== "classes" || rows.length < 2) return "";
  const counts = new Map();
  for (const row of rows) { const said = valueOf(colouring, row) || "unknown"; counts.set(said, (counts.get(said) || 0) + 1); }
  const ordered = [...counts].sort((a, b) => b[1] - a[1]), rest = ordered.slice(6).reduce((sum, [, number]) => sum + number, 0);
  return ": " + ordered.slice(0, 6).map(([said, number]) => `${count(number)} ${said}`).join(", ") + (rest ? `, ${count(rest)} others` : "");
}

function table(rows) {
  const titles = new Set(columns.map((one) => one.title)), coloured = colourings.filter((one) => !titles.has(one.title));
  const head = ["tile", ...(place ? ["lon", "lat"] : []), ...columns.map((one) => one.title), ...coloured.map((one) => one.title)];
  const number = (value) => Number.isFinite(value) ? String(+value.toPrecision(7)) : "";
  return [head, ...rows.map((row) => [
    tiles[row],
    ...(place ? lonLatOf(row)?.map((degree) => degree.toFixed(6)) || ["", ""] : []),
    ...columns.map((one) => one.codes[row] < 0 ? "" : one.values[one.codes[row]]),
    ...coloured.map((one) => one.kind === "classes" ? valueOf(one, row) : number(one.codes[row])),
  ])];
}
