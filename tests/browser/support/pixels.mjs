// Pictures as pixels.
import { PNG } from 'pngjs';

/** RGBA, 8 bits a channel. */
export const decode = (png) => PNG.sync.read(png);

const inside = (boxes, x, y) =>
  boxes.some(
    (b) => x >= b.left && x < b.left + b.width && y >= b.top && y < b.top + b.height,
  );

/** A box and as much beyond it as it is grown and strokes are followed out of that. */
const reach = ({ left, top, width, height }) => {
  const grown = Math.floor(height / 10);
  const by = grown + Math.max(3, Math.floor((height + 2 * grown) / 7));
  return { left: left - by, top: top - by, width: width + 2 * by, height: height + 2 * by };
};

/**
 * The largest difference of any channel inside the boxes, near them where strokes are followed,
 * and outside of that; and the share of the boxes' pixels that differ by more than 8.
 */
export function difference(a, b, boxes) {
  if (a.width !== b.width || a.height !== b.height) {
    throw new Error(`${a.width} x ${a.height} and ${b.width} x ${b.height} do not compare`);
  }
  const reaches = boxes.map(reach);
  let within = 0;
  let near = 0;
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
      } else if (inside(reaches, x, y)) {
        near = Math.max(near, worst);
      } else {
        outside = Math.max(outside, worst);
      }
    }
  }
  return { within, near, outside, changed: area ? changed / area : 0 };
}
