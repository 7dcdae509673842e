// The same tiles where they lie on Earth: a degree of longitude is as long as it is in the middle of them.

const DEGREE_M = 111195;

class Places extends View {
  constructor(pane) {
    super(pane);
    const known = (values) => values.filter((value, row) => Number.isFinite(place.lon[row]) && Number.isFinite(place.lat[row]));
    const middle = (values) => { const [low, high] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]); return (low + high) / 2; };
    this.middle = [middle(known(place.lon)), middle(known(place.lat))];
    this.narrow = Math.max(0.05, Math.cos(this.middle[1] * Math.PI / 180));
    const u = new Float32Array(COUNT), v = new Float32Array(COUNT);
    for (let row = 0; row < COUNT; row++) {
      u[row] = (place.lon[row] - this.middle[0]) * this.narrow;
      v[row] = this.middle[1] - place.lat[row];
    }
    const sides = place.sides && new Float32Array(2 * COUNT).map((_, at) => place.sides[at] / 2 * (at % 2 ? 1 : this.narrow));
    this.bar = make("div", {className: "scalebar"}, make("i"), make("span"));
    pane.append(this.bar);
    pane.setAttribute("aria-label", "Map: arrow keys move it, + and − zoom, 0 shows all, Enter selects the tile in the middle");
    this.lines = (ink) => { this.graticule(ink); this.measure(); };
    this.lay({u, v, sides});
    const without = u.reduce((sum, value, row) => sum + (value !== value || v[row] !== v[row]), 0);
    $("map-caption").textContent = `North is up.${without ? ` ${count(without)} ${without === 1 ? "tile has" : "tiles have"} no place.` : ""} ${gestures(false)}`;
  }

  graticule(ink) {
    ink.font = "11px system-ui, sans-serif";
    const style = getComputedStyle(this.pane), write = (words, x, y) => {
      ink.strokeStyle = style.getPropertyValue("--pane");
      ink.lineWidth = 3;
      ink.strokeText(words, x, y); // readable above pictures, too
      ink.fillText(words, x, y);
    };
    ink.fillStyle = style.getPropertyValue("--soft");
    const said = (degree, step, ends) => Math.abs(degree).toFixed(Math.max(0, -Math.floor(Math.log10(step)))) + "°" + (degree < 0 ? ends[0] : degree > 0 ? ends[1] : "");
    for (const [axis, room, scale, ends] of [["x", this.wide, this.k * this.narrow, "WE"], ["y", this.high, -this.k, "SN"]]) {
      const least = Math.abs(110 / scale), power = 10 ** Math.floor(Math.log10(least));
      const step = [1, 2, 5, 10].find((by) => by * power >= least) * power, middle = this.middle[axis === "x" ? 0 : 1];
      const edges = [0, room].map((at) => middle + (at - this[axis]) / scale).sort((a, b) => a - b);
      for (let line = Math.ceil(edges[0] / step); line * step <= edges[1]; line++) {
        const degree = line * step, at = this[axis] + (degree - middle) * scale;
        ink.strokeStyle = ink.fillStyle;
        ink.lineWidth = 1;
        ink.beginPath();
        if (axis === "x") { ink.moveTo(at, 0); ink.lineTo(at, 6); } else { ink.moveTo(0, at); ink.lineTo(6, at); }
        ink.stroke();
        const words = said(axis === "x" ? (degree + 540) % 360 - 180 : degree, step, ends);
        if (axis === "x") write(words, at + 3, 11); else if (at > 24) write(words, 8, at + 4);
      }
    }
  }

  measure() {
    const pxPerMetre = this.k / DEGREE_M, metres = 110 / pxPerMetre, power = 10 ** Math.floor(Math.log10(metres));
    const length = [5, 2, 1].find((step) => step * power <= metres) * power;
    this.bar.firstElementChild.style.width = length * pxPerMetre + "px";
    this.bar.lastElementChild.textContent = length >= 1000 ? count(length / 1000) + " km" : length + " m";
  }
}
