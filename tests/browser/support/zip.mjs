// ZIP files, far enough to look into those that the page makes: nothing in them is compressed.
import assert from 'node:assert/strict';
import { crc } from './oddfiles.mjs';

/** The files in it by name; their checksums are checked. */
export function unzip(zip) {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  assert.ok(end >= 0, 'it has a directory');
  const count = zip.readUInt16LE(end + 10);
  const files = new Map();
  for (let i = 0, at = zip.readUInt32LE(end + 16); i < count; i += 1) {
    assert.equal(zip.readUInt16LE(at + 10), 0, 'stored');
    const size = zip.readUInt32LE(at + 24);
    const [name, extra, comment] = [28, 30, 32].map((place) => zip.readUInt16LE(at + place));
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = zip.subarray(start, start + size);
    assert.equal(crc(bytes), zip.readUInt32LE(at + 16), 'its checksum');
    files.set(zip.subarray(at + 46, at + 46 + name).toString(), bytes);
    at += 46 + name + extra + comment;
  }
  return files;
}

/** When each file in it was changed, from the extended timestamps: seconds since 1970, UTC. */
export function datesIn(zip) {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const dates = [];
  for (let i = 0, at = zip.readUInt32LE(end + 16); i < zip.readUInt16LE(end + 10); i += 1) {
    const [name, extra, comment] = [28, 30, 32].map((place) => zip.readUInt16LE(at + place));
    for (let field = at + 46 + name; field < at + 46 + name + extra; ) {
      if (zip.readUInt16LE(field) === 0x5455) dates.push(new Date(zip.readInt32LE(field + 5) * 1000));
      field += 4 + zip.readUInt16LE(field + 2);
    }
    at += 46 + name + extra + comment;
  }
  assert.ok(dates.length > 0, 'it has dates');
  return dates;
}
