// The map: images that are moved by CSS, outlines on a canvas above them, a divider between two dates.

const box = $("map"), canvas = $("outlines"), ink = canvas.getContext("2d"), divider = $("divider");
const view = {k: 1, x: 0, y: 0}; // a pixel p of the images is at k · p + (x, y) of the box
const MOST = 60, DOT_PX = 7, DENSE_DOT_PX = 14, DENSE = 5000;
const seen = {rows: [], hover: -1, selected: -1, split: 0.5, left: 0, right: 0, dotPx: DOT_PX};
let flight = 0, due = 0;

function least() { return Math.min(box.clientWidth / DATA.width, box.clientHeight / DATA.height); }

function place(k, x, y) {
  view.k = Math.min(MOST, Math.max(least() * 0.8, k));
  const keep = (at, side, room) => { // some of the picture always stays in sight
    const length = side * view.k;
    return length < room ? (room - length) / 2 : Math.min(room / 2, Math.max(room / 2 - length, at));
  };
  view.x = keep(x, DATA.width, box.clientWidth);
  view.y = keep(y, DATA.height, box.clientHeight);
  if (!due) due = requestAnimationFrame(draw);
}

function zoomAt(factor, x = box.clientWidth / 2, y = box.clientHeight / 2) {
  cancelAnimationFrame(flight);
  const k = Math.min(MOST, Math.max(least() * 0.8, view.k * factor)), ratio = k / view.k;
  place(k, x - (x - view.x) * ratio, y - (y - view.y) * ratio);
}

function whole() { fly(0, 0, DATA.width, DATA.height, 0.98); }

function flyTo(row) {
  const [left, top, right, bottom] = outlines[row].box, [x, y] = middle(row);
  const side = Math.max(right - left, bottom - top, 24) * 1.1;
  fly(x - side / 2, y - side / 2, x + side / 2, y + side / 2, 0.4);
}

function fly(left, top, right, bottom, share) {
  cancelAnimationFrame(flight);
  const k = Math.min(MOST, Math.min(box.clientWidth / (right - left), box.clientHeight / (bottom - top)) * share);
  const end = {k, x: box.clientWidth / 2 - (left + right) / 2 * k, y: box.clientHeight / 2 - (top + bottom) / 2 * k};
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return place(end.k, end.x, end.y);
  const start = {...view}, began = performance.now(), growth = Math.log(end.k / start.k);
  const step = (now) => {
    const time = Math.min(1, Math.max(0, (now - began) / 380)), t = time * time * (3 - 2 * time);
    const zoom = start.k * Math.exp(growth * t);
    // the middle goes straight where the scale stays, and towards the end as the scale comes to it otherwise
    const way = Math.abs(growth) < 1e-3 ? t : (1 / start.k - 1 / zoom) / (1 / start.k - 1 / end.k);
    const centre = (room, at) => (room / 2 - start[at]) / start.k * (1 - way) + (room / 2 - end[at]) / end.k * way;
    place(zoom, box.clientWidth / 2 - centre(box.clientWidth, "x") * zoom, box.clientHeight / 2 - centre(box.clientHeight, "y") * zoom);
    if (time < 1) flight = requestAnimationFrame(step);
  };
  flight = requestAnimationFrame(step);
}

function draw() {
  due = 0;
  const dense = window.devicePixelRatio || 1, wide = box.clientWidth, high = box.clientHeight;
  if (canvas.width !== Math.round(wide * dense) || canvas.height !== Math.round(high * dense)) {
    canvas.width = Math.round(wide * dense);
    canvas.height = Math.round(high * dense);
  }
  for (const image of [$("left-image"), $("right-image")]) {
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.k})`;
    image.style.imageRendering = view.k > 3 ? "pixelated" : "auto";
  }
  ink.setTransform(1, 0, 0, 1, 0, 0);
  ink.clearRect(0, 0, canvas.width, canvas.height);
  ink.setTransform(dense * view.k, 0, 0, dense * view.k, dense * view.x, dense * view.y);
  ink.lineJoin = "round";
  const sight = [-view.x / view.k, -view.y / view.k, (wide - view.x) / view.k, (high - view.y) / view.k];
  const inSight = seen.rows.filter((row) => {
    const [left, top, right, bottom] = outlines[row].box;
    return right >= sight[0] && bottom >= sight[1] && left <= sight[2] && top <= sight[3];
  });
  seen.dotPx = inSight.length > DENSE ? DENSE_DOT_PX : DOT_PX; // what is many is drawn simpler, to stay fluid
  for (const row of inSight.reverse()) if (row !== seen.selected) outline(row); // the first of the table on top
  for (const row of [seen.hover, seen.selected]) if (row >= 0 && seen.rows.includes(row)) outline(row, true);
  measure();
}

function outline(row, strong = false) {
  const {path, box: [left, top, right, bottom]} = outlines[row], width = strong ? 3 : 1.6;
  ink.fillStyle = ink.strokeStyle = DATA.colors[row];
  if (Math.max(right - left, bottom - top) * view.k < seen.dotPx) { // too small to be seen as it is
    const x = (left + right) / 2, y = (top + bottom) / 2, half = (strong ? 5 : 2.6) / view.k, edge = half + 1 / view.k;
    ink.fillStyle = strong ? "#fff" : "rgba(255,255,255,.8)";
    ink.fillRect(x - edge, y - edge, 2 * edge, 2 * edge);
    ink.fillStyle = DATA.colors[row];
    ink.fillRect(x - half, y - half, 2 * half, 2 * half);
    return;
  }
  if (!strong) { // what is looked at stays clear
    ink.globalAlpha = 0.2;
    ink.fill(path, "evenodd");
    ink.globalAlpha = 1;
  }
  ink.lineWidth = (width + (strong ? 3.5 : 1.6)) / view.k;
  ink.strokeStyle = strong ? "#fff" : "rgba(0,0,0,.45)";
  ink.stroke(path);
  ink.lineWidth = width / view.k;
  ink.strokeStyle = DATA.colors[row];
  ink.stroke(path);
}

// The row whose outline is at, or within a finger's width of, a place of the box; -1 for none.
function rowAt(sx, sy, reach) {
  const x = (sx - view.x) / view.k, y = (sy - view.y) / view.k, far = reach / view.k;
  let found = -1, nearest = far;
  ink.setTransform(1, 0, 0, 1, 0, 0);
  for (const row of seen.rows) {
    const {path, box: [left, top, right, bottom]} = outlines[row];
    if (x < left - far || x > right + far || y < top - far || y > bottom + far) continue;
    if (ink.isPointInPath(path, x, y, "evenodd")) return row;
    const away = Math.hypot(x - (left + right) / 2, y - (top + bottom) / 2) - Math.max(right - left, bottom - top) / 2;
    if (away < nearest) { nearest = away; found = row; }
  }
  return found;
}

function measure() {
  const metres = DATA.gsd_m / view.k * 110, power = 10 ** Math.floor(Math.log10(metres));
  const length = [5, 2, 1].find((step) => step * power <= metres) * power;
  $("scale").firstElementChild.style.width = length / DATA.gsd_m * view.k + "px";
  const said = length >= 1000 ? length / 1000 + " km" : length + " m";
  $("scale").lastElementChild.textContent = said;
  $("scale").setAttribute("aria-label", "Scale bar: " + said);
}

function split(share) {
  seen.split = Math.min(1, Math.max(0, share));
  const at = seen.split * 100;
  divider.style.left = at + "%";
  divider.setAttribute("aria-valuenow", Math.round(at));
  divider.setAttribute("aria-valuetext", `${nameOf(seen.left)} left of ${Math.round(at)} %, ${nameOf(seen.right)} right of it`);
  $("right").style.clipPath = DATA.images.length > 1 ? `inset(0 0 0 ${at}%)` : "none";
}

function nameOf(image) { return DATA.images[image].date || DATA.images[image].title; }

function showImages(left, right) {
  seen.left = left;
  seen.right = right;
  for (const [side, image] of [["left", left], ["right", right]]) {
    if ($(side + "-image").dataset.at !== String(image)) $(side + "-image").src = DATA.images[image].src;
    $(side + "-image").dataset.at = image;
    $(side + "-date").querySelector("select").value = image;
  }
  const said = (image) => `${DATA.images[image].title}${DATA.images[image].date ? " (" + DATA.images[image].date + ")" : ""}, ${DATA.images[image].caption}`;
  $("caption").textContent = left === right ? said(right) : `Left: ${said(left)}. Right: ${said(right)}.`;
  split(seen.split);
}

function startMap(hovered, clicked) {
  for (const side of ["left", "right"]) {
    Object.assign($(side + "-image").style, {width: DATA.width + "px", height: DATA.height + "px"});
    const select = $(side + "-date").querySelector("select");
    select.append(...DATA.images.map((image, at) => make("option", {value: at, textContent: nameOf(at)})));
    select.addEventListener("change", () =>
      showImages(+$("left-date").querySelector("select").value, +$("right-date").querySelector("select").value));
  }
  const several = DATA.images.length > 1;
  divider.hidden = $("left-date").hidden = $("right-date").hidden = !several;
  $("north").firstElementChild.setAttribute("transform", `rotate(${DATA.north_deg})`);
  showImages(0, DATA.images.length - 1);

  const fingers = new Map();
  let moved = 0;
  const here = (event) => { const frame = box.getBoundingClientRect(); return [event.clientX - frame.left, event.clientY - frame.top]; };
  const onMap = (event) => !event.target.closest("button, select, label, #divider");
  box.addEventListener("pointerdown", (event) => {
    if (!onMap(event) || event.button) return;
    cancelAnimationFrame(flight);
    box.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, here(event));
    if (fingers.size === 1) moved = 0;
  });
  box.addEventListener("pointermove", (event) => {
    const to = here(event), from = fingers.get(event.pointerId);
    if (event.pointerType === "mouse") say(to);
    if (!from) return event.pointerType === "mouse" && hovered(onMap(event) ? rowAt(...to, 5) : -1);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    moved += Math.hypot(to[0] - from[0], to[1] - from[1]);
    fingers.set(event.pointerId, to);
    if (!other) return moved > 4 && place(view.k, view.x + to[0] - from[0], view.y + to[1] - from[1]);
    const apart = (one) => Math.max(1, Math.hypot(one[0] - other[0], one[1] - other[1]));
    place(view.k, view.x + (to[0] - from[0]) / 2, view.y + (to[1] - from[1]) / 2);
    zoomAt(apart(to) / apart(from), (to[0] + other[0]) / 2, (to[1] + other[1]) / 2);
  });
  const lifted = (event) => {
    if (!fingers.delete(event.pointerId) || event.type === "pointercancel") return;
    if (moved <= 4 && !fingers.size) clicked(rowAt(...here(event), event.pointerType === "mouse" ? 5 : 14));
  };
  box.addEventListener("pointerup", lifted);
  box.addEventListener("pointercancel", lifted);
  box.addEventListener("pointerleave", () => { $("position").textContent = ""; hovered(-1); });
  box.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(Math.exp(-Math.max(-150, Math.min(150, event.deltaY * (event.deltaMode ? 30 : 1))) / 300), ...here(event));
  }, {passive: false});
  box.addEventListener("dblclick", (event) => onMap(event) && zoomAt(2, ...here(event)));
  const slide = (event) => divider.hasPointerCapture(event.pointerId) && split(here(event)[0] / box.clientWidth);
  divider.addEventListener("pointerdown", (event) => { divider.setPointerCapture(event.pointerId); slide(event); });
  divider.addEventListener("pointermove", slide);
  divider.addEventListener("keydown", (event) => {
    const to = {ArrowLeft: seen.split - 0.02, ArrowDown: seen.split - 0.02, ArrowRight: seen.split + 0.02, ArrowUp: seen.split + 0.02, Home: 0, End: 1}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    split(to);
  });
  box.addEventListener("keydown", (event) => {
    const [dx, dy] = {ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60]}[event.key] || [];
    if (event.target !== box || dx === undefined) return;
    event.preventDefault();
    place(view.k, view.x + dx, view.y + dy);
  });
  $("in").addEventListener("click", () => zoomAt(1.6));
  $("out").addEventListener("click", () => zoomAt(1 / 1.6));
  $("whole").addEventListener("click", whole);
  place(least() * 0.98, 0, 0);
  let size = box.clientWidth;
  new ResizeObserver(() => { // the same place stays in the middle
    const by = (box.clientWidth - size) / 2;
    size = box.clientWidth;
    place(view.k, view.x + by, view.y);
  }).observe(box);
}

function say([sx, sy]) {
  const found = lonLat((sx - view.x) / view.k, (sy - view.y) / view.k);
  $("position").textContent = found ? `${found[1].toFixed(5)}, ${found[0].toFixed(5)}` : "";
}
