// The page under load, in Chromium on the CPU:
//   make bench-page
// Prints the time from navigation to the first reading with everything cached; the longest task of
// the main thread and the frames a second while one of 50 boxes is dragged over a photo of 12
// megapixels; and the page's memory before and after 100 photos.
import pngjs from 'pngjs';

import { obstacle } from '../../tests/browser/support/env.mjs';
import { serve } from '../../tests/browser/support/native.mjs';
import { engineReady, launch, settled } from '../../tests/browser/support/session.mjs';
import { choose, photoShown } from '../../tests/browser/support/stage.mjs';

const DRAG_MILLISECONDS = 3000;
const LOADS = 7;

if (obstacle) {
  console.error(obstacle);
  process.exit(2);
}

/** A photo with a slope of light and dark bars: small as a file, whatever its size. */
function photo(width, height) {
  const png = new pngjs.PNG({ width, height, colorType: 2 });
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const light = (x >> 4) % 5 === 0 ? 40 : 120 + ((y >> 5) % 100);
      png.data.set([light, light, light, 255], 4 * (y * width + x));
    }
  }
  return { name: `${width}x${height}.png`, mimeType: 'image/png', buffer: pngjs.PNG.sync.write(png) };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const server = await serve();
const browser = await launch();

async function opened(file) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
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

  const many = await opened(photo(1600, 1200));
  const session = await many.context().newCDPSession(many);
  const memory = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    const bytes = await many.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
    return Math.max(usedSize, bytes) / 1e6;
  };
  const before = await memory();
  for (let i = 0; i < 100; i += 1) {
    const file = photo(400 + i, 300);
    await choose(many, file);
    await photoShown(many, file.name);
    await settled(many);
    await many.locator('[data-testid=photo][aria-current=true]').focus();
    await many.keyboard.press('Delete');
    await photoShown(many, '1600x1200.png');
  }
  console.log(`JavaScript's heap before and after 100 photos: ${before.toFixed(1)} and ${(await memory()).toFixed(1)} MB`);
} finally {
  await browser.close();
  await server.stop();
}
