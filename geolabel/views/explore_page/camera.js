// Where a view looks. A tile at (u, v) of the plane, v downwards, is at x + k · u, y + k · v of the pane.

const SPARE = 40; // px left free around what is brought into sight
const NEAREST = 4000, FARTHEST = 0.5; // times the whole

class Camera {
  constructor(pane) {
    this.pane = pane;
    Object.assign(this, {k: 1, x: 0, y: 0, least: 1, flight: 0});
  }

  // Show other places. `near` (0–1, towards the viewer) and `order` (from the back to the front) are those of space;
  // `sides` are half widths and heights of tiles in the plane, by turns.
  lay({u, v, near = null, order = mingled, sides = null}, fit = true) {
    Object.assign(this, {u, v, near, order, sides});
    if (fit) this.whole(false); else this.redraw();
  }

  get wide() { return this.pane.clientWidth; }
  get high() { return this.pane.clientHeight; }

  bounds(rows) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const row of rows) {
      const u = this.u[row], v = this.v[row];
      if (u !== u) continue;
      const du = this.sides ? this.sides[2 * row] : 0, dv = this.sides ? this.sides[2 * row + 1] : 0;
      box[0] = Math.min(box[0], u - du); box[1] = Math.min(box[1], v - dv);
      box[2] = Math.max(box[2], u + du); box[3] = Math.max(box[3], v + dv);
    }
    return box[0] <= box[2] ? box : null;
  }

  framing([left, top, right, bottom], most = Infinity) {
    const k = Math.min(most, (this.wide - 2 * SPARE) / Math.max(right - left, 1e-9), (this.high - 2 * SPARE) / Math.max(bottom - top, 1e-9));
    return {k, x: this.wide / 2 - (left + right) / 2 * k, y: this.high / 2 - (top + bottom) / 2 * k};
  }

  whole(fly = true) {
    const end = this.framing(this.extent || this.bounds(mingled) || [-1, -1, 1, 1], 1e9);
    this.least = end.k;
    if (fly) this.flyTo(end); else this.move(end.k, end.x, end.y);
  }

  // Go to some tiles; one alone is brought to the middle, near enough to be seen as a picture among its neighbours.
  frame(rows) {
    const box = this.bounds(rows);
    if (box) this.flyTo(this.framing(box, this.least * (rows.length > 1 ? 40 : this.nearest(rows[0]))));
  }

  // How many times the whole a tile's own picture is large.
  nearest(row) {
    const side = this.sides ? this.sides[2 * row] : NaN;
    return side > 0 ? Math.max(1, 90 / (2 * side * this.least)) : 8;
  }

  inSight(row) {
    const x = this.x + this.k * this.u[row], y = this.y + this.k * this.v[row];
    return x > 0 && y > 0 && x < this.wide && y < this.high;
  }

  kept(k) { return Math.min(this.least * NEAREST, Math.max(this.least * FARTHEST, k)); }

  move(k, x, y) {
    Object.assign(this, {k: this.kept(k), x, y});
    this.redraw();
  }

  zoomAt(factor, x = this.wide / 2, y = this.high / 2) {
    cancelAnimationFrame(this.flight);
    const k = this.kept(this.k * factor), ratio = k / this.k;
    this.move(k, x - (x - this.x) * ratio, y - (y - this.y) * ratio);
  }

  flyTo(end) {
    cancelAnimationFrame(this.flight);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.move(end.k, end.x, end.y);
    const start = {k: this.k, x: this.x, y: this.y}, began = performance.now(), growth = Math.log(end.k / start.k);
    const step = (now) => {
      const time = Math.min(1, Math.max(0, (now - began) / 380)), t = time * time * (3 - 2 * time);
      const k = start.k * Math.exp(growth * t);
      const way = Math.abs(growth) < 1e-3 ? t : (1 / start.k - 1 / k) / (1 / start.k - 1 / end.k);
      const at = (room, axis) => room / 2 - ((room / 2 - start[axis]) / start.k * (1 - way) + (room / 2 - end[axis]) / end.k * way) * k;
      this.move(k, at(this.wide, "x"), at(this.high, "y"));
      if (time < 1) this.flight = requestAnimationFrame(step);
    };
    this.flight = requestAnimationFrame(step);
  }
}
