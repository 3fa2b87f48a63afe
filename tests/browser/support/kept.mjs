// What the page keeps in the browser's database (src/app/photos/store.rs).
import { until } from './session.mjs';

/** What is there: how many files, and the record of the work as bytes. */
export function stored(page) {
  return page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open('doorplate');
        request.onerror = reject;
        request.onsuccess = () => {
          const transaction = request.result.transaction(['files', 'work']);
          const count = transaction.objectStore('files').count();
          const records = transaction.objectStore('work').getAll();
          transaction.onabort = reject;
          transaction.oncomplete = () => {
            request.result.close();
            resolve({ files: count.result, record: records.result.flatMap((bytes) => [...bytes]) });
          };
        };
      }),
  );
}

/** A number as the record holds it: seven bits a byte, the lowest first. */
const varint = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]);

/** How often the record names an area. */
function mentions(record, { left, top, width, height }) {
  const bytes = Buffer.from([left, top, width, height].flatMap(varint));
  const whole = Buffer.from(record);
  let count = 0;
  for (let at = whole.indexOf(bytes); at >= 0; at = whole.indexOf(bytes, at + 1)) count += 1;
  return count;
}

/**
 * Waits until these many files are kept, and these areas: as boxes, then also with what was read
 * in them, which makes 1 or 2 mentions. What a saved file has removed are grown boxes.
 */
export function workKept(page, { files, areas = [], times = 1 }) {
  return until(`${files} files and ${areas.length} areas are kept`, async () => {
    const now = await stored(page);
    return now.files === files && areas.every((area) => mentions(now.record, area) >= times);
  });
}
