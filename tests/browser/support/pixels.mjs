// Pictures as pixels.
import { PNG } from 'pngjs';

/** RGBA, 8 bits a channel. */
export const decode = (png) => PNG.sync.read(png);

const inside = (boxes, x, y) =>
  boxes.some(
    (b) => x >= b.left && x < b.left + b.width && y >= b.top && y < b.top + b.height,
  );

/**
 * The largest difference of any channel inside the boxes and outside, and the share of the
 * boxes' pixels that differ by more than 8.
 */
export function difference(a, b, boxes) {
  if (a.width !== b.width || a.height !== b.height) {
    throw new Error(`${a.width} x ${a.height} and ${b.width} x ${b.height} do not compare`);
  }
  let within = 0;
  let outside = 0;
  let area = 0;
  let changed = 0;
  for (let y = 0, at = 0; y < a.height; y += 1) {
    for (let x = 0; x < a.width; x += 1, at += 4) {
      let worst = 0;
      for (let channel = 0; channel < 4; channel += 1) {
        worst = Math.max(worst, Math.abs(a.data[at + channel] - b.data[at + channel]));
      }
      if (inside(boxes, x, y)) {
        within = Math.max(within, worst);
        area += 1;
        if (worst > 8) changed += 1;
      } else {
        outside = Math.max(outside, worst);
      }
    }
  }
  return { within, outside, changed: area ? changed / area : 0 };
}
