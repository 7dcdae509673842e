// The table: which rows pass the filters, in which order, and the page of them that is shown.

const off = new Set(); // titles that are switched off in the legend
const heads = [...columns.values()].filter((column) => column.place === "table");
const order = {key: columns.has("confidence") ? "confidence" : heads[0]?.key, down: true};
const words = DATA.ids.map((id, row) =>
  [id, ...[...columns.values()].filter((column) => column.kind !== "number").map((column) => column.values[row])].join("\n").toLowerCase());
const paging = {first: 0, size: 50};
const areas = DATA.ids.map((_, row) => areaOf(row)).filter((area) => area > 0);
const [smallest, largest] = areas.length ? [areas.reduce((a, b) => Math.min(a, b)), areas.reduce((a, b) => Math.max(a, b))] : [1, 1];

// Areas are spread over powers of ten, and so is the slider; at its left end it asks for nothing.
function leastArea() { return +$("area").value ? smallest * (largest / smallest) ** (+$("area").value / 100) : 0; }

function compare(key) {
  const column = columns.get(key), {values} = column, sign = order.down ? -1 : 1;
  const told = column.kind === "number" ? (v) => v !== null : (v) => v !== "";
  return (a, b) => {
    const one = values[a], other = values[b];
    if (!told(one) || !told(other)) return told(other) - told(one) || a - b; // the unknown comes last, either way
    return (one < other ? -sign : one > other ? sign : 0) || a - b;
  };
}

function refilter() {
  const text = $("text").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const level = $("level").value, status = $("status").value, sure = $("confidence").value / 100, area = leastArea();
  seen.rows = [];
  for (let row = 0; row < COUNT; row++) {
    if (off.has(titleOf(row)) || confidenceOf(row) < sure || areaOf(row) < area * 0.9999) continue;
    if ((level && value("level", row) !== level) || (status && value("status", row) !== status)) continue;
    if (text.every((word) => words[row].includes(word))) seen.rows.push(row);
  }
  if (order.key) seen.rows.sort(compare(order.key));
  paging.first = 0;
  const hectares = seen.rows.reduce((sum, row) => sum + areaOf(row), 0);
  $("found").textContent = `${seen.rows.length.toLocaleString("en")} of ${COUNT.toLocaleString("en")} shown, ${hectares.toLocaleString("en", {maximumFractionDigits: 1})} ha`;
  $("confidence-said").textContent = sure.toFixed(2);
  $("area-said").textContent = area ? area.toLocaleString("en", {maximumSignificantDigits: 2}) + " ha" : "0 ha";
  $("csv").disabled = $("geojson").disabled = !seen.rows.length;
  fill();
  place(view.k, view.x, view.y);
}

function fill() {
  const rows = seen.rows.slice(paging.first, paging.first + paging.size);
  const tab = rows.includes(seen.selected) ? seen.selected : rows[0]; // one row takes part in the order of Tab
  $("table").tBodies[0].replaceChildren(...rows.map((row) => line(row, row === tab)));
  if (!rows.length) $("table").tBodies[0].append(make("tr", {}, make("td", {className: "soft", colSpan: heads.length || 1, textContent: COUNT ? "Nothing passes the filters." : "Nothing was found."})));
  const last = Math.min(paging.first + paging.size, seen.rows.length);
  $("page").textContent = rows.length ? `${paging.first + 1}–${last} of ${seen.rows.length.toLocaleString("en")}` : "";
  $("previous").disabled = !paging.first;
  $("next").disabled = last >= seen.rows.length;
  $("page").parentElement.hidden = seen.rows.length <= paging.size;
}

function line(row, tab) {
  const cells = heads.map((column) => {
    const cell = make(column.key === "title" ? "th" : "td", {className: column.kind === "number" ? "number" : ""});
    if (column.key === "title") { cell.scope = "row"; cell.append(swatch(DATA.colors[row])); }
    if (column.key === "confidence") {
      const bar = make("i");
      bar.style.width = 100 * confidenceOf(row) + "%";
      cell.append(make("span", {className: "bar", "aria-hidden": "true"}, bar), confidenceOf(row).toFixed(2));
    } else if ((column.key === "level" || column.key === "status") && column.values[row]) {
      cell.append(make("span", {className: "tag " + (column.key === "level" ? "level-" : "status-") + column.values[row].replace(/\W/g, ""), textContent: column.values[row]}));
    } else cell.append(written(column, row, "")); // the head tells the unit
    return cell;
  });
  return make("tr", {tabIndex: tab ? 0 : -1, "data-row": row, "aria-selected": row === seen.selected, className: row === seen.hover ? "hover" : ""}, ...cells);
}

function startTable(hovered, selected, opened) {
  $("table").tHead.append(make("tr", {}, ...heads.map((column) => {
    const button = make("button", {type: "button", textContent: column.label + (column.unit ? ", " + column.unit : "")});
    button.addEventListener("click", () => {
      order.down = order.key === column.key ? !order.down : column.kind !== "text";
      order.key = column.key;
      sorted();
      refilter();
    });
    return make("th", {scope: "col", "data-key": column.key, className: column.kind === "number" ? "number" : ""}, button);
  })));
  const sorted = () => {
    for (const head of $("table").tHead.rows[0].cells) {
      head.setAttribute("aria-sort", head.dataset.key !== order.key ? "none" : order.down ? "descending" : "ascending");
    }
  };
  sorted();
  const body = $("table").tBodies[0];
  const row = (event) => +(event.target.closest("tr[data-row]")?.dataset.row ?? -1);
  body.addEventListener("pointerover", (event) => hovered(row(event)));
  body.addEventListener("pointerleave", () => hovered(-1));
  body.addEventListener("click", (event) => row(event) >= 0 && opened(row(event)));
  body.addEventListener("keydown", (event) => {
    if (row(event) < 0) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); return opened(row(event)); }
    const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity};
    if (!(event.key in steps)) return;
    event.preventDefault();
    const to = Math.min(seen.rows.length - 1, Math.max(0, seen.rows.indexOf(row(event)) + steps[event.key]));
    selected(seen.rows[to]);
    focusRow(seen.rows[to]);
  });
  const turn = (by) => () => { paging.first = Math.max(0, paging.first + by * paging.size); fill(); };
  $("previous").addEventListener("click", turn(-1));
  $("next").addEventListener("click", turn(1));
  for (const key of ["level", "status"]) {
    const found = columns.has(key) ? [...new Set(columns.get(key).values)].filter(Boolean).sort() : [];
    $(key).append(make("option", {value: "", textContent: "All"}), ...found.map((name) => make("option", {value: name, textContent: name})));
    $(key + "-box").hidden = found.length < 2;
    $(key).addEventListener("change", refilter);
  }
  $("confidence-box").hidden = !columns.has("confidence");
  $("area-box").hidden = !(largest > smallest);
  for (const id of ["text", "confidence", "area"]) $(id).addEventListener("input", refilter);
  $("clear").addEventListener("click", () => {
    for (const id of ["text", "level", "status"]) $(id).value = "";
    $("confidence").value = $("area").value = 0;
    off.clear();
    drawLegend();
    refilter();
  });
  addEventListener("beforeprint", () => { paging.size = 500; paging.first = 0; fill(); });
  addEventListener("afterprint", () => { paging.size = 50; fill(); });
}

// Turn to the page on which a row is.
function turnTo(row) {
  const at = seen.rows.indexOf(row);
  if (at >= 0) paging.first = Math.floor(at / paging.size) * paging.size;
  fill();
}

function focusRow(row) { $("table").querySelector(`tr[data-row="${row}"]`)?.focus(); }

function drawLegend() {
  const titles = new Map();
  for (let row = 0; row < COUNT; row++) {
    const entry = titles.get(titleOf(row)) || {color: DATA.colors[row], count: 0};
    entry.count++;
    titles.set(titleOf(row), entry);
  }
  $("legend").replaceChildren(...[...titles].sort((a, b) => b[1].count - a[1].count).map(([title, entry]) => {
    const check = make("input", {type: "checkbox", checked: !off.has(title)});
    check.addEventListener("change", () => { off[check.checked ? "delete" : "add"](title); refilter(); });
    return make("label", {}, check, swatch(entry.color), title + " ", make("span", {className: "soft", textContent: entry.count.toLocaleString("en")}));
  }));
}
