// What the page knows of its tiles. Numbers come as little-endian bytes; row k of everything is one tile.

const TYPES = {u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, u4: Uint32Array, i4: Int32Array, f4: Float32Array, f8: Float64Array};

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

const unpacked = ({type, data}) => new TYPES[type](bytesOf(data).buffer);

const DATA = JSON.parse($("data").textContent);
const tiles = unpacked(DATA.tiles), COUNT = tiles.length;
const rowOf = new Map(Array.from(tiles, (tile, row) => [tile, row]));
const colourings = DATA.colourings.map((one) => ({...one, codes: unpacked(one.codes)}));
const columns = DATA.columns.map((one) => ({...one, codes: unpacked(one.codes)}));
const place = DATA.place && {
  lon: unpacked(DATA.place.lon), lat: unpacked(DATA.place.lat), sides: DATA.place.sides && unpacked(DATA.place.sides),
};
const seen = {
  hover: -1,
  rows: [], // selected, as they were found
  chosen: new Uint8Array(COUNT), // 1 where selected
  on: new Uint8Array(COUNT).fill(1), // 1 where the legend shows it
  projection: 0, colouring: 0, markers: "zoom", mode: "move",
};

// An order that is the same every time and favours no class: drawn in it, none lies above the others.
const mingled = new Int32Array(COUNT).map((_, row) => row);
for (let at = COUNT - 1, state = 1; at > 0; at--) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  const other = Math.floor(state / 4294967296 * (at + 1)), held = mingled[at];
  mingled[at] = mingled[other];
  mingled[other] = held;
}

const count = (number) => number.toLocaleString("en");
const shortly = (number) => number.toLocaleString("en", {maximumSignificantDigits: 3});
const touched = matchMedia("(pointer: coarse)");

// What a colouring says of a tile; empty where it says nothing.
function valueOf(colouring, row) {
  const code = colouring.codes[row];
  if (colouring.kind === "classes") return code < 0 ? "" : colouring.names[code];
  return Number.isFinite(code) ? shortly(code) : "";
}

function lonLatOf(row) {
  if (!place || !Number.isFinite(place.lon[row]) || !Number.isFinite(place.lat[row])) return null;
  return [(place.lon[row] + 540) % 360 - 180, place.lat[row]];
}
