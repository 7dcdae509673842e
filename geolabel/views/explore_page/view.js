// A pane with tiles at places of a plane: moved, zoomed, drawn as dots or as pictures. The plot and the map are two of them.

const MOSAIC = {zoom: 24, always: 8}; // px from which tiles on the map are pictures
const SMALLEST = 22, LARGEST = 112, NEAR = 600;
const FRAME_MS = 14, RESTS_MS = 200;

class View extends Camera {
  constructor(pane) {
    super(pane);
    this.base = make("canvas", {"aria-hidden": "true"});
    this.over = make("canvas", {"aria-hidden": "true"});
    pane.prepend(this.base, this.over);
    this.pixels = new Pixels(this.base);
    this.above = this.over.getContext("2d");
    this.list = new Int32Array(COUNT); // rows in sight, from the back to the front
    this.shown = 0; // how many
    this.pictures = []; // those of them that are drawn as pictures, from the back to the front
    this.isPicture = new Uint8Array(COUNT);
    this.side = 0; // of a picture
    Object.assign(this, {due: 0, dense: 1, drawn: 0, slow: false, later: 0});
  }

  redraw() { if (!this.due) this.due = requestAnimationFrame(() => this.draw()); }

  gather() {
    const {k, x, y, u, v, order, list, wide, high} = this, {on, chosen} = seen, some = seen.rows.length > 0;
    const spare = this.side + SPARE;
    let shown = 0;
    for (let pass = 0; pass < (some ? 2 : 1); pass++) { // the selected lie above the others
      for (let at = 0; at < COUNT; at++) {
        const row = order[at];
        if (!on[row] || (some && chosen[row] !== pass)) continue;
        const px = x + k * u[row], py = y + k * v[row];
        if (px > -spare && py > -spare && px < wide + spare && py < high + spare) list[shown++] = row;
      }
    }
    this.shown = shown;
  }

  // Which rows become pictures: from the front to the back those that have room.
  choosePictures() {
    this.isPicture.fill(0);
    this.pictures = [];
    if (!ATLAS || seen.markers === "dots") return;
    const {list, shown, k, x, y, u, v, wide, high} = this;
    if (this.sides) {
      const large = 2 * this.sides[2 * list[0]] * k >= MOSAIC[seen.markers];
      if (large) for (let at = 0; at < shown; at++) { this.pictures.push(list[at]); this.isPicture[list[at]] = 1; }
      return;
    }
    if (seen.markers === "zoom" && shown > NEAR) return;
    this.side = Math.max(SMALLEST, Math.min(LARGEST, Math.sqrt(0.45 * wide * high / Math.max(shown, 1))));
    const apart = 0.8 * this.side, cells = new Map(), width = Math.ceil(wide / apart) + 1000;
    for (let at = shown - 1; at >= 0; at--) {
      const row = list[at], px = x + k * u[row], py = y + k * v[row];
      const cell = Math.floor(py / apart) * width + Math.floor(px / apart);
      let free = true;
      for (let down = -width; free && down <= width; down += width) {
        for (let right = -1; free && right <= 1; right++) {
          const other = cells.get(cell + down + right);
          free = other === undefined || Math.abs(x + k * u[other] - px) >= apart || Math.abs(y + k * v[other] - py) >= apart;
        }
      }
      if (!free) continue;
      cells.set(cell, row);
      this.pictures.push(row);
      this.isPicture[row] = 1;
    }
    this.pictures.reverse();
  }

  // Half the width and height at which a row is drawn as a picture.
  halves(row) {
    if (this.sides) return [this.sides[2 * row] * this.k, this.sides[2 * row + 1] * this.k];
    const half = this.side / 2 * (this.near ? 0.6 + 0.6 * this.near[row] : 1);
    return [half, half];
  }

  radius() { return this.shown > 20000 ? 1.6 : this.shown > 6000 ? 2.1 : this.shown > 1500 ? 2.8 : 3.8; }

  draw() {
    const began = performance.now(), finest = Math.min(2, window.devicePixelRatio || 1), {wide, high} = this;
    // what takes long is drawn coarser while it moves, and finely as soon as it rests
    const dense = this.slow && began - this.drawn < RESTS_MS ? 1 : finest;
    this.due = 0;
    this.dense = dense;
    const width = Math.max(1, Math.round(wide * dense)), height = Math.max(1, Math.round(high * dense));
    for (const canvas of [this.base, this.over]) if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
    this.gather();
    this.choosePictures();
    this.pixels.clear(width, height);
    this.drawDots(dense);
    this.pixels.show();
    this.drawPictures(dense);
    this.drawOver();
    this.drawn = performance.now();
    if (dense === finest) this.slow = this.drawn - began > FRAME_MS;
    clearTimeout(this.later);
    if (dense < finest) this.later = setTimeout(() => this.redraw(), RESTS_MS);
  }

  drawDots(dense) {
    const {list, shown, u, v, near, sides, pixels, isPicture} = this, {chosen} = seen, some = seen.rows.length > 0;
    const k = this.k * dense, x = this.x * dense, y = this.y * dense, radius = this.radius() * dense, least = 0.5 * dense;
    for (let at = 0; at < shown; at++) {
      const row = list[at];
      if (isPicture[row]) continue;
      let color = some && !chosen[row] ? faint[row] : paint[row];
      const px = x + k * u[row], py = y + k * v[row];
      if (sides && sides[2 * row] * k > dense) {
        const right = Math.max(least, sides[2 * row] * k), down = Math.max(least, sides[2 * row + 1] * k);
        pixels.box(px - right, py - down, px + right, py + down, color);
      } else if (near) {
        color = mixed(color, backdrop, Math.round(150 * (1 - near[row]))); // what is far is pale and small
        pixels.dot(px, py, radius * (0.55 + 0.8 * near[row]), color);
      } else pixels.dot(px, py, radius, color);
    }
  }

  drawPictures(dense) {
    const {ink} = this.pixels, {chosen} = seen, some = seen.rows.length > 0;
    const snap = (at) => Math.round(at * dense) / dense; // neighbours on the map meet without a seam
    ink.setTransform(dense, 0, 0, dense, 0, 0);
    for (const row of this.pictures) {
      const [right, down] = this.halves(row), edge = this.sides ? 0 : 2;
      const px = this.x + this.k * this.u[row], py = this.y + this.k * this.v[row];
      const [left, top] = [snap(px - right), snap(py - down)], width = snap(px + right) - left, height = snap(py + down) - top;
      if (left > this.wide || top > this.high || left + width < 0 || top + height < 0) continue;
      ink.globalAlpha = some && !chosen[row] ? 0.25 : 1;
      if (edge) {
        ink.fillStyle = hex(paint[row]);
        ink.fillRect(left - edge, top - edge, width + 2 * edge, height + 2 * edge);
      }
      if (!drawPicture(ink, row, left, top, width, height) && !edge) {
        ink.fillStyle = hex(paint[row]);
        ink.fillRect(left, top, width, height);
      }
      if (!edge && width >= MOSAIC.zoom) {
        ink.strokeStyle = hex(paint[row]);
        ink.lineWidth = 2;
        ink.strokeRect(left + 1, top + 1, width - 2, height - 2);
      }
    }
    ink.globalAlpha = 1;
  }

  // What lies above the tiles: marks of the selected and of the one that is pointed at, a lasso, and the view's own lines.
  drawOver() {
    const ink = this.above, {dense} = this;
    ink.setTransform(dense, 0, 0, dense, 0, 0);
    ink.clearRect(0, 0, this.wide, this.high);
    this.lines?.(ink);
    if (seen.rows.length <= 60) for (const row of seen.rows) this.mark(ink, row, 2);
    if (seen.hover >= 0) this.mark(ink, seen.hover, 3);
    if (!this.lasso) return;
    ink.beginPath();
    for (const [x, y] of this.lasso) ink.lineTo(x, y);
    ink.closePath();
    ink.fillStyle = "rgba(47, 111, 208, .14)";
    ink.fill();
    ink.strokeStyle = "#2f6fd0";
    ink.lineWidth = 1.5;
    ink.stroke();
  }

  mark(ink, row, width) {
    const x = this.x + this.k * this.u[row], y = this.y + this.k * this.v[row];
    if (x !== x || !seen.on[row]) return;
    const framed = this.isPicture[row] || (this.sides && this.sides[2 * row] * this.k > 5);
    for (const [color, line] of [["#fff", width + 2.5], ["#111", width]]) {
      ink.strokeStyle = color;
      ink.lineWidth = line;
      ink.beginPath();
      if (framed) {
        const [right, down] = this.halves(row);
        ink.rect(x - right - 2, y - down - 2, 2 * right + 4, 2 * down + 4);
      } else ink.arc(x, y, this.radius() + 4, 0, 7);
      ink.stroke();
    }
  }

  // The row at a place of the pane, or the nearest within reach; -1 for none.
  rowAt(px, py, reach) {
    const {list, shown, k, x, y, u, v, sides} = this;
    let found = -1, nearest = reach * reach;
    for (let at = this.pictures.length - 1; at >= 0; at--) {
      const row = this.pictures[at], [right, down] = this.halves(row);
      if (Math.abs(x + k * u[row] - px) <= right && Math.abs(y + k * v[row] - py) <= down) return row;
    }
    for (let at = shown - 1; at >= 0; at--) {
      const row = list[at], dx = x + k * u[row] - px, dy = y + k * v[row] - py;
      if (sides && Math.abs(dx) <= sides[2 * row] * k && Math.abs(dy) <= sides[2 * row + 1] * k) return row;
      const away = dx * dx + dy * dy;
      if (away < nearest) { nearest = away; found = row; }
    }
    return found;
  }

  // Rows within a closed line of the pane.
  rowsWithin(line) {
    const found = [], {list, shown, k, x, y, u, v} = this;
    const [left, right] = [Math.min(...line.map(([at]) => at)), Math.max(...line.map(([at]) => at))];
    for (let at = 0; at < shown; at++) {
      const row = list[at], px = x + k * u[row], py = y + k * v[row];
      if (px < left || px > right) continue;
      let inside = false;
      for (let one = 0, before = line.length - 1; one < line.length; before = one++) {
        const [ax, ay] = line[one], [bx, by] = line[before];
        if (ay > py !== by > py && px < (bx - ax) * (py - ay) / (by - ay) + ax) inside = !inside;
      }
      if (inside) found.push(row);
    }
    return found.sort((a, b) => a - b);
  }
}
