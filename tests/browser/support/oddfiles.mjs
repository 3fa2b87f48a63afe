// Files that are damaged, and files that are good but unusual.
import { crc32, deflateSync } from 'node:zlib';

const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  return Buffer.concat([u32(data.length), body, u32(crc(body))]);
}

/** zlib's checksum; Node has it only since 20.15. */
export function crc(bytes) {
  if (crc32) return crc32(bytes);
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

export const COLOURS = { grey: 0, rgb: 2, palette: 3, rgba: 6 };

/**
 * A PNG of any size, depth and colour type; `sample(x, y)` gives the values of a pixel's
 * channels. Without `sample` only the header is right and there are no pixels.
 */
export function png({ width, height, depth = 8, colour = 'rgb', palette, sample }) {
  const header = Buffer.concat([
    u32(width),
    u32(height),
    Buffer.from([depth, COLOURS[colour], 0, 0, 0]),
  ]);
  const chunks = [chunk('IHDR', header)];
  if (palette) chunks.push(chunk('PLTE', Buffer.from(palette.flat())));
  if (sample) {
    const rows = [];
    for (let y = 0; y < height; y += 1) {
      const row = [0];
      for (let x = 0; x < width; x += 1) {
        for (const value of [sample(x, y)].flat()) {
          if (depth === 16) row.push(value >> 8);
          row.push(value & 255);
        }
      }
      rows.push(Buffer.from(row));
    }
    chunks.push(chunk('IDAT', deflateSync(Buffer.concat(rows))));
  }
  chunks.push(chunk('IEND', Buffer.alloc(0)));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks]);
}

/** A dark stroke on a light ground: what the pictures below show. */
const isStroke = (x, y) => x >= 42 && x < 50 && y >= 20 && y < 60;
export const SIZE = { width: 96, height: 80 };
export const STROKE_BOX = { left: 34, top: 14, width: 24, height: 52 };

/** Pictures that must work, as PNG. */
export const ODD_PICTURES = {
  'grey.png': png({ ...SIZE, colour: 'grey', sample: (x, y) => (isStroke(x, y) ? 40 : 150 + (x >> 1)) }),
  'deep.png': png({
    ...SIZE,
    depth: 16,
    sample: (x, y) => (isStroke(x, y) ? [9001, 8002, 7003] : [40_000 + 101 * x, 45_000, 50_001 + y]),
  }),
  'palette.png': png({
    ...SIZE,
    colour: 'palette',
    palette: [
      [200, 180, 150],
      [30, 40, 80],
      [204, 184, 154],
    ],
    sample: (x, y) => (isStroke(x, y) ? 1 : (x >> 3) % 2 ? 2 : 0),
  }),
  'transparent.png': png({
    ...SIZE,
    colour: 'rgba',
    sample: (x, y) => (isStroke(x, y) ? [20, 30, 40, 255] : [190, 170, 140, x < 20 ? 0 : 120 + x]),
  }),
};

export const ONE_PIXEL = png({ width: 1, height: 1, sample: () => [120, 90, 60] });

/** Says 30,000 x 30,000 and holds no pixel. */
export const HUGE_HEADER = png({ width: 30_000, height: 30_000 });
