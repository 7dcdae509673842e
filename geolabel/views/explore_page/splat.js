// Dots and boxes written straight into pixels: 50,000 of them within a frame.

class Pixels {
  constructor(canvas) {
    this.ink = canvas.getContext("2d");
    this.discs = new Map();
  }

  clear(width, height) {
    if (!this.image || this.image.width !== width || this.image.height !== height) {
      this.image = this.ink.createImageData(width, height);
      this.data = new Uint32Array(this.image.data.buffer);
      this.width = width;
      this.height = height;
    } else this.data.fill(0);
  }

  show() { this.ink.putImageData(this.image, 0, 0); }

  // Pixels of a disc about its middle: steps right, steps down, how far each is covered (1–256).
  disc(radius) {
    const key = Math.round(radius * 4);
    if (!this.discs.has(key)) {
      const reach = Math.ceil(key / 4 + 0.5), right = [], down = [], cover = [];
      for (let dy = -reach; dy <= reach; dy++) {
        for (let dx = -reach; dx <= reach; dx++) {
          const part = Math.max(0, Math.min(1, key / 4 + 0.5 - Math.hypot(dx, dy)));
          if (part > 0.02) { right.push(dx); down.push(dy); cover.push(Math.round(part * 256)); }
        }
      }
      this.discs.set(key, {reach, right, down, cover});
    }
    return this.discs.get(key);
  }

  dot(x, y, radius, color) {
    const {reach, right, down, cover} = this.disc(radius), {data, width, height} = this;
    const cx = Math.round(x), cy = Math.round(y);
    const inside = cx >= reach && cy >= reach && cx < width - reach && cy < height - reach;
    for (let at = 0; at < right.length; at++) {
      const px = cx + right[at], py = cy + down[at];
      if (!inside && (px < 0 || py < 0 || px >= width || py >= height)) continue;
      const there = py * width + px, part = cover[at];
      if (part === 256) data[there] = color;
      else data[there] = data[there] >>> 24 === 255 ? mixed(data[there], color, part) : (color & 0xffffff | Math.max(part - 1, data[there] >>> 24) << 24) >>> 0;
    }
  }

  box(left, top, right, bottom, color) {
    const x0 = Math.max(0, Math.round(left)), x1 = Math.min(this.width, Math.max(Math.round(right), Math.round(left) + 1));
    const y0 = Math.max(0, Math.round(top)), y1 = Math.min(this.height, Math.max(Math.round(bottom), Math.round(top) + 1));
    if (x1 <= x0) return;
    for (let y = y0; y < y1; y++) this.data.fill(color, y * this.width + x0, y * this.width + x1);
  }
}
