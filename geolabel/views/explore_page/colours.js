// A colour for each tile, as a number that pixels are made of: 0xAABBGGRR.

const night = matchMedia("(prefers-color-scheme: dark)");
const GREY = "#8a938f";
const paint = new Uint32Array(COUNT), faint = new Uint32Array(COUNT);
const off = new Set(); // codes of the classes that are switched off
let backdrop = 0;

const number = (hex) => (0xff000000 | parseInt(hex.slice(5, 7), 16) << 16 | parseInt(hex.slice(3, 5), 16) << 8 | parseInt(hex.slice(1, 3), 16)) >>> 0;
const hex = (color) => "#" + [color & 255, color >>> 8 & 255, color >>> 16 & 255].map((part) => part.toString(16).padStart(2, "0")).join("");

// `part` of 256 of the second colour in the first.
function mixed(one, other, part) {
  const rest = 256 - part;
  return (0xff000000 | ((one & 0xff00ff) * rest + (other & 0xff00ff) * part) >>> 8 & 0xff00ff |
    ((one & 0xff00) * rest + (other & 0xff00) * part) >>> 8 & 0xff00) >>> 0;
}

function ramp() { return DATA.ramp[night.matches ? "dark" : "light"]; }

function recolour() {
  const colouring = colourings[seen.colouring], {codes} = colouring, classes = colouring.kind === "classes";
  const table = (classes ? colouring.colors : ramp()).map(number), grey = number(GREY);
  backdrop = number(getComputedStyle(document.documentElement).getPropertyValue("--pane").trim());
  const scale = classes ? 0 : (table.length - 1) / Math.max(colouring.high - colouring.low, 1e-30);
  for (let row = 0; row < COUNT; row++) {
    const code = codes[row];
    if (classes) {
      paint[row] = code < 0 ? grey : table[code];
      seen.on[row] = off.has(code) ? 0 : 1;
    } else {
      paint[row] = code === code ? table[Math.max(0, Math.min(table.length - 1, Math.round((code - colouring.low) * scale)))] : grey;
      seen.on[row] = 1;
    }
    faint[row] = mixed(paint[row], backdrop, 205);
  }
}

function drawLegend(changed) {
  const colouring = colourings[seen.colouring];
  $("legend").replaceChildren(...(colouring.kind === "classes" ? switches(colouring, changed) : scale(colouring)));
}

function switches({codes, names, colors}, changed) {
  const counts = new Map();
  for (const code of codes) counts.set(code, (counts.get(code) || 0) + 1);
  const shown = [...counts.keys()].sort((a, b) => (a < 0) - (b < 0) || a - b);
  const checks = shown.map((code) => {
    const check = make("input", {type: "checkbox", checked: !off.has(code), value: code});
    check.addEventListener("change", () => { off[check.checked ? "delete" : "add"](code); changed(); });
    return make("label", {}, check, swatch(code < 0 ? GREY : colors[code]), (code < 0 ? "unknown" : names[code]) + " ", make("span", {className: "soft", textContent: count(counts.get(code))}));
  });
  if (shown.length < 3) return checks;
  const all = (title, set) => {
    const button = make("button", {type: "button", textContent: title});
    button.addEventListener("click", () => { shown.forEach((code) => off[set](code)); drawLegend(changed); changed(); });
    return button;
  };
  return [all("All", "delete"), all("None", "add"), ...checks];
}

function scale({title, codes, low, high}) {
  const bar = make("canvas", {width: ramp().length, height: 1, role: "img", "aria-label": `${title} from ${shortly(low)} to ${shortly(high)}`});
  const ink = bar.getContext("2d");
  ramp().forEach((color, at) => { ink.fillStyle = color; ink.fillRect(at, 0, 1, 1); });
  let least = Infinity, most = -Infinity, unknown = 0;
  for (const code of codes) if (code === code) { least = Math.min(least, code); most = Math.max(most, code); } else unknown++;
  const said = [make("span", {className: "scale"}, bar,
    make("span", {textContent: (least < low ? "≤ " : "") + shortly(low)}),
    make("span", {textContent: `${most > high ? "≥ " : ""}${shortly(high)}`}))];
  if (unknown) said.push(make("span", {}, swatch(GREY), "unknown ", make("span", {className: "soft", textContent: count(unknown)})));
  return said;
}
