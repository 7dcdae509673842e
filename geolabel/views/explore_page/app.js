// What happens when: the plot, the map, the legend, the galleries and the card follow one another.

const plot = new Plot($("plot")), views = [plot];
let map = null;
recolour();
$("map-box").hidden = !place;
if (place) views.push(map = new Places($("map")));

function hover(row, event) {
  if (row !== seen.hover) {
    seen.hover = row;
    for (const view of views) { view.pane.classList.toggle("over", row >= 0); view.drawOver(); }
  }
  showCard(row, event?.clientX ?? innerWidth, event?.clientY ?? innerHeight);
}

function remember() {
  const said = [`plot=${seen.projection}`, `colour=${seen.colouring}`];
  if (seen.rows.length === 1) said.unshift(`tile=${tiles[seen.rows[0]]}`);
  history.replaceState(null, "", "#" + said.join("&"));
}

function select(rows, adding = false) {
  choose(rows, adding);
  remember();
}

function goTo(rows) { for (const view of views) view.frame(rows); }

// Select tiles that were found elsewhere on the page, and bring them into sight.
function reveal(rows) {
  if (rows.some((row) => !seen.on[row])) { off.clear(); drawLegend(changed); recolour(); } // what the legend hides, too
  select(rows);
  goTo(rows);
  $("views").scrollIntoView({block: "nearest"});
}

function picked(view) {
  return (row, adding, event) => {
    if (row < 0) return hover(-1);
    select([row], adding);
    for (const other of views) if (other !== view && seen.chosen[row] && !other.inSight(row)) other.frame([row]);
    hover(row, event.clientX ? event : undefined);
  };
}

function showColours() {
  recolour();
  drawLegend(changed);
  card.dataset.row = -1;
  drawSelection();
}

// Tiles that the legend switches off are selected no more.
function changed() {
  recolour();
  if (seen.rows.some((row) => !seen.on[row])) choose(seen.rows.filter((row) => seen.on[row]));
  for (const view of views) view.redraw();
}

function colourBy(at) {
  seen.colouring = at;
  off.clear();
  $("colouring").value = at;
  showColours();
}

function project(at) {
  seen.projection = at;
  $("projection").value = at;
  document.querySelector('[data-mode="move"]').textContent = plot.space ? "Turn" : "Move";
  plot.showProjection();
}

function dragging(mode) {
  seen.mode = mode;
  for (const button of $("modes").children) {
    button.setAttribute("aria-checked", button.dataset.mode === mode);
    button.tabIndex = button.dataset.mode === mode ? 0 : -1;
  }
  for (const view of views) view.pane.classList.toggle("drawing", mode !== "move");
}

function followAddress() { // page.html#tile=12&plot=1&colour=0
  const asked = new URLSearchParams(location.hash.slice(1));
  const within = (name, all) => { const at = Number(asked.get(name)); return asked.has(name) && all[at] ? at : -1; };
  if (within("plot", DATA.projections) >= 0) project(within("plot", DATA.projections));
  if (within("colour", colourings) >= 0) colourBy(within("colour", colourings));
  const row = asked.has("tile") ? rowOf.get(Number(asked.get("tile"))) : undefined;
  if (row !== undefined) { select([row]); goTo([row]); }
}

const options = (all) => all.map(({title}, at) => make("option", {value: at, textContent: title}));
$("projection").append(...options(DATA.projections));
$("colouring").append(...options(colourings));
$("markers-box").hidden = !ATLAS;
for (const view of views) {
  zoomButtons(view);
  follow(view, {hover, pick: picked(view), enclose: select});
  let wide = view.wide, high = view.high;
  new ResizeObserver(() => { // the same place stays in the middle
    view.move(view.k, view.x + (view.wide - wide) / 2, view.y + (view.high - high) / 2);
    [wide, high] = [view.wide, view.high];
  }).observe(view.pane);
}
listen($("chosen"), hover, (row) => { goTo([row]); $("views").scrollIntoView({block: "nearest"}); });
listen($("finding"), hover, (row) => reveal([row]));
startFindings(reveal);
$("projection").addEventListener("change", () => { project(+$("projection").value); remember(); });
$("colouring").addEventListener("change", () => { colourBy(+$("colouring").value); remember(); });
$("markers").addEventListener("change", () => { seen.markers = $("markers").value; for (const view of views) view.redraw(); });
$("modes").addEventListener("click", ({target}) => target.dataset.mode && dragging(target.dataset.mode));
$("modes").addEventListener("keydown", ({key, target}) => {
  const step = {ArrowRight: 1, ArrowLeft: -1}[key], all = [...$("modes").children], next = step && all[(all.indexOf(target) + step + all.length) % all.length];
  if (next) { dragging(next.dataset.mode); next.focus(); }
});
$("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const said = $("number").value.trim(), row = said ? rowOf.get(Number(said)) : undefined;
  $("missing").textContent = row === undefined && said ? `No tile ${said}` : "";
  if (row !== undefined) reveal([row]);
});
$("show").addEventListener("click", () => goTo(seen.rows));
$("csv").addEventListener("click", () => save(csv(table(seen.rows)), "text/csv", DATA.name + ".csv"));
$("clear").addEventListener("click", () => select([]));
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.target.matches("input, select")) return;
  hover(-1);
  if (seen.rows.length) select([]);
});
addEventListener("hashchange", followAddress);
came.addEventListener("sheet", () => { for (const view of views) view.redraw(); });
night.addEventListener("change", showColours);
project(0);
colourBy(0);
followAddress();
