// The card of one polygon: its pictures before and after, what is known of it, where it lies.

const card = $("card");

function drawCard(row, step, close) {
  const [lon, lat] = lonLat(...middle(row)) || [];
  const here = seen.rows.indexOf(row);
  const button = (label, text, action, disabled = false) => {
    const found = make("button", {type: "button", "aria-label": label, title: label, textContent: text, disabled});
    found.addEventListener("click", action);
    return found;
  };
  const tags = ["level", "status"].filter((key) => value(key, row)).map((key) =>
    make("span", {className: `tag ${key}-${value(key, row).replace(/\W/g, "")}`, textContent: value(key, row)}));
  const skipped = new Set(["title", "level", "status", "confidence"]);
  const facts = [...columns.values()].filter((column) =>
    column.place !== "export" && !skipped.has(column.key) && column.values[row] !== null && column.values[row] !== "");
  card.replaceChildren(
    make("div", {className: "row"},
      make("h2", {id: "card-title"}, swatch(DATA.colors[row]), titleOf(row)),
      make("span", {className: "steps"},
        button("The one before in the table", "‹", () => step(-1), here <= 0),
        button("The next in the table", "›", () => step(1), here < 0 || here >= seen.rows.length - 1),
        button("Close (Esc)", "×", close))),
    pictures(row),
    make("p", {className: "tags"}, ...(columns.has("confidence") ? [make("b", {textContent: `Confidence ${confidenceOf(row).toFixed(2)}`})] : []), ...tags),
    make("dl", {}, ...facts.flatMap((column) => [make("dt", {textContent: column.label}), make("dd", {textContent: written(column, row)})])),
    lat === undefined ? "" : whereabouts(lat, lon));
}

function whereabouts(lat, lon) {
  const said = `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
  const field = make("input", {readOnly: true, value: said, "aria-label": "Latitude, longitude"});
  const copy = make("button", {type: "button", textContent: "Copy"});
  field.addEventListener("focus", () => field.select());
  copy.addEventListener("click", async () => {
    field.select();
    try { await navigator.clipboard.writeText(said); } catch { document.execCommand("copy"); } // some browsers keep the clipboard from files
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
  return make("p", {className: "where"}, field, copy, make("a", {href: `geo:${lat.toFixed(5)},${lon.toFixed(5)}`, textContent: "Open in maps"}));
}

function pictures(row) {
  const [before, after] = DATA.chips[row] || ["", ""];
  if (!before && !after) return "";
  const when = (side) => {
    const day = DATA.images.find((image) => image.file && image.file === value("source_" + side, row))?.date;
    return day || (side === "before" ? "Before" : "After");
  };
  if (!before || !after) {
    return make("div", {className: "pair"}, make("img", {src: before || after, alt: `Picture with the outline`, draggable: false}));
  }
  const top = make("img", {src: before, alt: "Before", className: "top", draggable: false});
  const slider = make("input", {type: "range", min: 0, max: 100, value: 50, "aria-label": "Border between before and after"});
  const edge = make("i", {"aria-hidden": "true"});
  const move = () => {
    top.style.clipPath = `inset(0 ${100 - slider.value}% 0 0)`;
    edge.style.left = slider.value + "%";
  };
  slider.addEventListener("input", move);
  move();
  return make("div", {className: "pair"}, make("img", {src: after, alt: "After", draggable: false}), top, edge,
    make("span", {className: "said", textContent: when("before")}), make("span", {className: "said", textContent: when("after")}), slider);
}
