// Photos with metadata as phones and editors write them: EXIF with place and preview, XMP of a
// panorama, other pictures.
import { chunk } from './oddfiles.mjs';

/** What only the photo as it was shows. */
export const SECRET = 'what it was';

/** Marks by which a file is known to hold camera, place and panorama. */
export const CAMERA = 'Box Camera 1000';
export const PLACE = '51,30.5N';
export const PANORAMA = 'GPano:ProjectionType="equirectangular"';
export const DESCRIPTION = JSON.stringify({ MAPLatitude: 51.5, MAPCaptureTime: '2026_01_02' });

const XMP = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" ${PANORAMA} exif:GPSLatitude="${PLACE}"
 xmp:CreatorTool="an editor"><xmp:Thumbnails>${SECRET}</xmp:Thumbnails></rdf:Description></rdf:RDF>
</x:xmpmeta>`;

/** A TIFF directory (EXIF), little-endian: entries of tag, type, values as bytes. */
function directory(at, entries, next = 0) {
  const head = Buffer.alloc(2 + 12 * entries.length + 4);
  head.writeUInt16LE(entries.length, 0);
  const values = [];
  let free = at + head.length;
  entries.forEach(([tag, type, count, bytes], i) => {
    const entry = 2 + 12 * i;
    head.writeUInt16LE(tag, entry);
    head.writeUInt16LE(type, entry + 2);
    head.writeUInt32LE(count, entry + 4);
    if (bytes.length <= 4) {
      bytes.copy(head, entry + 8);
      return;
    }
    head.writeUInt32LE(free, entry + 8);
    const padded = Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)]);
    values.push(padded);
    free += padded.length;
  });
  head.writeUInt32LE(next, head.length - 4);
  return Buffer.concat([head, ...values]);
}

const u32 = (...values) => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
  return bytes;
};
const ascii = (tag, text) => [tag, 2, text.length + 1, Buffer.from(`${text}\0`, 'latin1')];

/** EXIF with camera, a description as Mapillary's, place, and a preview. */
function exif() {
  const start = Buffer.from('II*\0\x08\0\0\0', 'latin1');
  const primary = (gps, next) =>
    directory(8, [ascii(0x010e, DESCRIPTION), ascii(0x0110, CAMERA), [0x8825, 4, 1, u32(gps)]], next);
  const gpsAt = 8 + primary(0, 0).length;
  const gps = directory(gpsAt, [ascii(1, 'N'), [2, 5, 3, u32(51, 1, 30, 1, 26, 1)]]);
  const nextAt = gpsAt + gps.length;
  const preview = Buffer.from(SECRET);
  const thumbnail = (at) =>
    directory(nextAt, [[0x0201, 4, 1, u32(at)], [0x0202, 4, 1, u32(preview.length)]]);
  const previewAt = nextAt + thumbnail(0).length;
  return Buffer.concat([start, primary(gpsAt, nextAt), gps, thumbnail(previewAt), preview]);
}

function segment(code, ...parts) {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const head = Buffer.from([0xff, code, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

/** A JPEG with all of it. */
export function ladenJpeg(jpeg) {
  return Buffer.concat([
    jpeg.subarray(0, 2),
    segment(0xe1, 'Exif\0\0', exif()),
    segment(0xe1, 'http://ns.adobe.com/xap/1.0/\0', XMP),
    segment(0xe2, 'MPF\0', SECRET),
    jpeg.subarray(2),
    Buffer.from(SECRET),
  ]);
}

/** A PNG with EXIF, XMP, gamma and resolution. */
export function ladenPng(png) {
  return Buffer.concat([
    png.subarray(0, 33),
    chunk('gAMA', Buffer.from([0, 0, 0xb1, 0x8f])),
    chunk('pHYs', Buffer.from([0, 0, 0x0b, 0x13, 0, 0, 0x0b, 0x13, 1])),
    chunk('eXIf', exif()),
    chunk('iTXt', Buffer.from(`XML:com.adobe.xmp\0\0\0\0\0${XMP}`, 'latin1')),
    png.subarray(33),
  ]);
}
