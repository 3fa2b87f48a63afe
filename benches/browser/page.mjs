// The page under load, in Chromium on the CPU:
//   make bench-page
// Prints the time from navigation to the first reading with everything cached; the longest task of
// the main thread and the frames a second while one of 50 boxes is dragged over a photo of 12
// megapixels; the time from the click on "Save" to the file, for a photo of 12 megapixels with 3 boxes in
// each format; and the memory of the page and of its engine over 100 photos with 20 removals each.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pngjs from 'pngjs';

import { obstacle } from '../../tests/browser/support/env.mjs';
import { eraseTo, serve } from '../../tests/browser/support/native.mjs';
import { engineReady, launch, settled } from '../../tests/browser/support/session.mjs';
import { choose, chooseSaving, photoShown } from '../../tests/browser/support/stage.mjs';

const DRAG_MILLISECONDS = 3000;
const LOADS = 7;
const PHOTOS = 100;
const REMOVALS = 20;
const SAVES = 3;

if (obstacle) {
  console.error(obstacle);
  process.exit(2);
}

/**
 * A photo with a slope of light and dark bars: small as a file, whatever its size. With `grain` it is
 * about as large as one of a camera.
 */
function photo(width, height, grain = 0) {
  const png = new pngjs.PNG({ width, height, colorType: 2 });
  let chance = 1;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const light = (x >> 4) % 5 === 0 ? 40 : 120 + ((y >> 5) % 100);
      const colours = [0, 1, 2].map(() => {
        // Marsaglia's xorshift.
        chance ^= chance << 13;
        chance ^= chance >>> 17;
        chance ^= chance << 5;
        return light + (chance & 255) * grain;
      });
      png.data.set([...colours, 255], 4 * (y * width + x));
    }
  }
  return { name: `${width}x${height}.png`, mimeType: 'image/png', buffer: pngjs.PNG.sync.write(png) };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const server = await serve();
const browser = await launch();

/** Has the engine's worker keep its memory, and how many messages it has sent, at hand. */
function watched() {
  const own = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...all) => {
    const made = await own.apply(WebAssembly, all);
    self.memory = made.instance.exports.memory;
    return made;
  };
  const post = self.postMessage;
  self.sent = 0;
  self.postMessage = (...all) => {
    self.sent += 1;
    post.apply(self, all);
  };
}

async function opened(file) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    serviceWorkers: 'block',
  });
  await context.route('**/engine-start.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `(${watched})();\n${await response.text()}` });
  });
  const page = await context.newPage();
  await page.goto(`${server.origin}/?engine=cpu`);
  await engineReady(page);
  await choose(page, file);
  await photoShown(page, file.name);
  return page;
}

/** Draws boxes on a grid of the stage. */
async function drawGrid(page, columns, rows) {
  const stage = await page.locator('.stage .photo canvas').boundingBox();
  const [across, down] = [stage.width / (columns + 1), stage.height / (rows + 1)];
  for (let i = 0; i < columns * rows; i += 1) {
    const x = stage.x + across * (0.6 + (i % columns));
    const y = stage.y + down * (0.6 + Math.floor(i / columns));
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + across / 3, y + down / 2);
    await page.mouse.up();
  }
  await settled(page);
}

try {
  const first = await opened(photo(640, 480));
  await drawGrid(first, 1, 1);
  await first.waitForTimeout(1500);
  // The page's own clock: Playwright looks every half second only.
  await first.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector('[data-testid=box][data-digit]')) return;
      window.firstReading = performance.now();
      observer.disconnect();
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });
  const loads = [];
  for (let i = 0; i < LOADS; i += 1) {
    await first.reload({ waitUntil: 'commit' });
    await first.waitForFunction(() => window.firstReading);
    loads.push(await first.evaluate(() => window.firstReading));
  }
  console.log(`from navigation to the first reading: ${median(loads).toFixed(0)} ms (median of ${LOADS})`);
  await first.context().close();

  const page = await opened(photo(4000, 3000));
  await drawGrid(page, 10, 5);
  console.log(`boxes on 12 megapixels: ${await page.getByTestId('box').count()}`);
  await page.evaluate(() => {
    window.seen = { tasks: [], frames: 0 };
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.seen.tasks.push(duration);
    }).observe({ type: 'longtask' });
    const count = () => {
      window.seen.frames += 1;
      requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
  });
  const box = await page.getByTestId('box').nth(24).boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.click(x, y);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.evaluate(() => Object.assign(window.seen, { frames: 0, tasks: [] }));
  const begun = Date.now();
  for (let step = 0; Date.now() - begun < DRAG_MILLISECONDS; step += 1) {
    await page.mouse.move(x + 60 * Math.sin(step / 9), y + 40 * Math.cos(step / 7));
  }
  const seconds = (Date.now() - begun) / 1000;
  const { tasks, frames } = await page.evaluate(() => window.seen);
  await page.mouse.up();
  const longest = tasks.length ? `${Math.max(...tasks).toFixed(0)} ms` : 'none over 50 ms';
  console.log(`dragging: longest task ${longest}, ${(frames / seconds).toFixed(0)} frames a second`);
  await page.context().close();

  const folder = await mkdtemp(join(tmpdir(), 'doorplate-bench-'));
  const grainy = join(folder, 'grainy.png');
  await writeFile(grainy, photo(4000, 3000, 0.05).buffer);
  for (const own of ['png', 'jpg', 'webp']) {
    const path = join(folder, `grainy.${own}`);
    const area = { left: 100, top: 100, width: 20, height: 30 };
    if (own !== 'png') await eraseTo(folder, path, grainy, [area]);
    const saving = await opened({ name: `grainy.${own}`, mimeType: '', buffer: await readFile(path) });
    await drawGrid(saving, 3, 1);
    const times = [];
    for (const format of ['PNG', 'JPEG', 'WebP']) {
      await chooseSaving(saving, { format });
      const runs = [];
      for (let i = 0; i < SAVES; i += 1) {
        const begun = performance.now();
        await Promise.all([saving.waitForEvent('download'), saving.getByTestId('save').click()]);
        runs.push(performance.now() - begun);
        await settled(saving);
      }
      times.push(`as ${format} ${(median(runs) / 1000).toFixed(2)} s`);
    }
    console.log(`saving 12 megapixels of ${own}: ${times.join(', ')} (medians of ${SAVES})`);
    await saving.context().close();
  }
  await rm(folder, { recursive: true });

  const many = await opened(photo(1600, 1200));
  // Photos are closed unsaved.
  many.on('dialog', (dialog) => dialog.accept());
  const session = await many.context().newCDPSession(many);
  const memory = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    const bytes = await many.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
    return Math.max(usedSize, bytes) / 1e6;
  };
  const engine = () =>
    many.workers()[0].evaluate(() => ({ bytes: self.memory.buffer.byteLength, sent: self.sent }));
  const say = async (photos) => {
    const { bytes, sent } = await engine();
    console.log(
      `after ${photos} photos: JavaScript's heap ${(await memory()).toFixed(1)} MB, the engine's ` +
        `memory ${(bytes / 1e6).toFixed(1)} MB (${sent} messages)`,
    );
  };
  await say(0);
  for (let i = 1; i <= PHOTOS; i += 1) {
    const file = photo(400 + i, 300);
    await choose(many, file);
    await photoShown(many, file.name);
    await drawGrid(many, 1, 1);
    for (let removal = 1; removal < REMOVALS; removal += 1) {
      const { sent } = await engine();
      // Moves the box, so that it is filled at another place.
      await many.keyboard.press(removal % 2 ? 'ArrowRight' : 'ArrowLeft');
      while ((await engine()).sent === sent) await many.waitForTimeout(5);
      await settled(many);
    }
    await many.locator('[data-testid=photo][aria-current=true]').focus();
    await many.keyboard.press('Delete');
    await photoShown(many, '1600x1200.png');
    if ([1, 10, 25, 50, 75].includes(i)) await say(i);
  }
  await say(PHOTOS);
} finally {
  await browser.close();
  await server.stop();
}
