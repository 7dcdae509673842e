// The points of a projection: as they are on a plane, seen from any side in space.

const FAR = 4.2; // distance of the eye from the middle of a cube of side 2
const BUCKETS = 4096;

class Plot extends View {
  constructor(pane) {
    super(pane);
    this.places = new Map(); // projection → what `lay` takes
    this.turned = {yaw: 0.5, pitch: 0.35};
  }

  get space() { return DATA.projections[seen.projection].dimensions === 3; }

  showProjection() {
    const {note} = DATA.projections[seen.projection], {space} = this;
    if (!this.places.has(seen.projection)) this.places.set(seen.projection, this.unpack(DATA.projections[seen.projection]));
    const {points} = this.places.get(seen.projection);
    this.points = points;
    this.half = space && [0, 1, 2].map((axis) => points.reduce((most, at, place) => place % 3 === axis && Math.abs(at) > most ? Math.abs(at) : most, 0));
    const radius = space && 0.95 * Math.hypot(...this.half);
    this.extent = space ? [-radius, -radius, radius, radius] : null;
    this.lines = space ? (ink) => this.cube(ink) : null;
    if (space) this.turn(0, 0);
    this.lay(this.places.get(seen.projection));
    this.pane.setAttribute("aria-label", `Points: arrow keys ${space ? "turn (with Shift: move)" : "move"}, + and − zoom, 0 shows all, Enter selects the tile in the middle`);
    $("plot-caption").textContent = `${note}${note && !/[.!?]$/.test(note) ? "." : ""} ${gestures(space)}`.trim();
  }

  unpack({dimensions, points}) {
    const levels = unpacked(points), u = new Float32Array(COUNT), v = new Float32Array(COUNT);
    if (dimensions === 2) {
      for (let row = 0; row < COUNT; row++) {
        const [x, y] = [levels[2 * row], levels[2 * row + 1]];
        u[row] = x === 65535 ? NaN : x / 32767 - 1;
        v[row] = 1 - y / 32767;
      }
      return {u, v};
    }
    const space = new Float32Array(3 * COUNT);
    for (let at = 0; at < space.length; at++) space[at] = levels[at] === 65535 ? NaN : levels[at] / 32767 - 1;
    return {u, v, near: new Float32Array(COUNT), order: new Int32Array(COUNT), points: space};
  }

  // Where a point of space is seen from the side that it is turned to: right, down, towards the viewer.
  seenAt(x, y, z) {
    const {yaw, pitch} = this.turned;
    const right = Math.cos(yaw) * x + Math.sin(yaw) * z, back = Math.cos(yaw) * z - Math.sin(yaw) * x;
    const up = Math.cos(pitch) * y - Math.sin(pitch) * back, near = Math.sin(pitch) * y + Math.cos(pitch) * back;
    const grown = FAR / (FAR - near);
    return [right * grown, -up * grown, near];
  }

  // Turn by angles; the tile that is looked at stays where it is.
  turn(yaw, pitch, anchor = -1) {
    this.turned.yaw += yaw;
    this.turned.pitch = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, this.turned.pitch + pitch));
    const {u, v, near, order, points} = this.places.get(seen.projection);
    const before = anchor < 0 ? null : [u[anchor], v[anchor]];
    const cy = Math.cos(this.turned.yaw), sy = Math.sin(this.turned.yaw), cp = Math.cos(this.turned.pitch), sp = Math.sin(this.turned.pitch);
    const starts = new Int32Array(BUCKETS + 2), bucket = new Uint16Array(COUNT), reach = Math.sqrt(3);
    for (let row = 0; row < COUNT; row++) {
      const x = points[3 * row], y = points[3 * row + 1], z = points[3 * row + 2];
      const back = cy * z - sy * x, towards = sp * y + cp * back, grown = FAR / (FAR - towards);
      u[row] = (cy * x + sy * z) * grown;
      v[row] = (sp * back - cp * y) * grown;
      const part = (towards + reach) / (2 * reach);
      near[row] = part;
      bucket[row] = part * BUCKETS; // 0 for those that have no place
      starts[bucket[row] + 1]++;
    }
    for (let at = 1; at < starts.length; at++) starts[at] += starts[at - 1];
    for (let row = 0; row < COUNT; row++) order[starts[bucket[row]]++] = row; // from the back to the front
    if (before && before[0] === before[0]) {
      this.x += (before[0] - u[anchor]) * this.k;
      this.y += (before[1] - v[anchor]) * this.k;
    }
    this.redraw();
  }

  // The tile about which space turns where it is looked at from near: the one next to the middle of the pane.
  anchor() {
    return this.k > 1.4 * this.least ? this.rowAt(this.wide / 2, this.high / 2, Math.max(this.wide, this.high)) : -1;
  }

  // The box that holds all points, without the edges that are nearest to the viewer.
  cube(ink) {
    const at = (corner) => this.seenAt(...[1, 2, 4].map((bit, axis) => corner & bit ? this.half[axis] : -this.half[axis]));
    const corners = [0, 1, 2, 3, 4, 5, 6, 7], nearest = corners.reduce((one, other) => at(other)[2] > at(one)[2] ? other : one);
    ink.strokeStyle = getComputedStyle(this.pane).getPropertyValue("--hint");
    ink.lineWidth = 1;
    ink.globalAlpha = 0.35;
    ink.beginPath();
    for (const corner of corners) {
      for (const bit of [1, 2, 4]) {
        if (corner & bit || corner === nearest || (corner | bit) === nearest) continue;
        const [[u, v], [right, down]] = [at(corner), at(corner | bit)];
        ink.moveTo(this.x + this.k * u, this.y + this.k * v);
        ink.lineTo(this.x + this.k * right, this.y + this.k * down);
      }
    }
    ink.stroke();
    ink.globalAlpha = 1;
  }
}
