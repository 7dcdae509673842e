// The card of the tile that is pointed at: its picture large, and what is known of it.

const card = $("card");

function linesOf(row) {
  const lines = colourings.map((one) => [one.title, valueOf(one, row), one]);
  const titles = new Set(lines.map(([title]) => title));
  for (const one of columns) if (!titles.has(one.title)) lines.push([one.title, one.codes[row] < 0 ? "" : one.values[one.codes[row]], null]);
  const place = lonLatOf(row);
  if (place) lines.push(["Lon, lat", place.map((degree) => degree.toFixed(5)).join(", "), null]);
  return lines.filter(([, said]) => said !== "");
}

// Show the card of a row beside a place of the window, or in its corner; hide it for -1.
function showCard(row, left, top) {
  card.hidden = row < 0;
  if (row < 0) return;
  if (+card.dataset.row !== row) fillCard(row);
  const {width, height} = card.getBoundingClientRect(), room = document.documentElement.clientWidth;
  const x = left + 20 + width < room ? left + 20 : Math.max(4, left - 20 - width);
  const y = Math.max(4, Math.min(top - 40, innerHeight - height - 8));
  card.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}

function fillCard(row) {
  card.dataset.row = row;
  const words = make("div", {}, make("h2", {}, swatch(hex(paint[row])), "Tile " + tiles[row]),
    make("dl", {}, ...linesOf(row).flatMap(([title, said]) => [make("dt", {textContent: title}), make("dd", {textContent: said})])));
  if (!ATLAS) return card.replaceChildren(words);
  const picture = make("canvas", {width: ATLAS.side, height: ATLAS.side, role: "img", "aria-label": "Picture of tile " + tiles[row]});
  pictureInto(picture, row);
  card.replaceChildren(picture, words);
}
