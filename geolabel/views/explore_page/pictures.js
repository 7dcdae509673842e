// The pictures of tiles: sheets that are decoded when one of their pictures is first looked at.

const ATLAS = DATA.atlas;
const sheets = new Map(); // number → bitmap, or null while it is being decoded
const waiting = new Map(); // number of a sheet → canvases that want a picture of it
let decoding = Promise.resolve();
const came = new EventTarget();

function sheetOf(row) {
  const number = Math.floor(row / ATLAS.each);
  if (!sheets.has(number)) {
    sheets.set(number, null);
    decoding = decoding.then(() => decode(number)); // one after the other: the page stays fluid
  }
  return sheets.get(number);
}

async function decode(number) {
  const bytes = bytesOf($("sheet-" + number).textContent);
  sheets.set(number, await createImageBitmap(new Blob([bytes], {type: "image/webp"})));
  for (const [canvas, row] of waiting.get(number) || []) pictureInto(canvas, row);
  waiting.delete(number);
  came.dispatchEvent(new Event("sheet"));
}

// Draw the picture of a row into a rectangle; false while there is none yet.
function drawPicture(ink, row, x, y, width, height) {
  const sheet = sheetOf(row);
  if (!sheet) return false;
  const {side, across, each} = ATLAS, at = row % each, left = at % across * side, top = Math.floor(at / across) * side;
  ink.drawImage(sheet, left + 0.5, top + 0.5, side - 1, side - 1, x, y, width, height); // colours of a neighbour reach half a pixel
  return true;
}

function pictureInto(canvas, row) {
  if (drawPicture(canvas.getContext("2d"), row, 0, 0, canvas.width, canvas.height)) return;
  const number = Math.floor(row / ATLAS.each);
  waiting.set(number, [...(waiting.get(number) || []), [canvas, row]]);
}

// Canvases ask for their picture when they come into sight.
const arriving = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries) {
    if (!isIntersecting) continue;
    arriving.unobserve(target);
    pictureInto(target, +target.dataset.row);
  }
}, {rootMargin: "200px"});

function pictureOf(row) {
  const canvas = make("canvas", {width: ATLAS.side, height: ATLAS.side, role: "img", "aria-label": "Tile " + tiles[row], "data-row": row});
  arriving.observe(canvas);
  return canvas;
}
