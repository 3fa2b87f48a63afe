// The pictures of README.md and docs/, not a test (`make pictures`):
//   node tests/browser/pictures.mjs OUTDIR
// with the environment of `make test-browser`. All of them show sample photos that Doorplate draws.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { obstacle } from './support/env.mjs';
import { eraseNatively, serve } from './support/native.mjs';
import { boxesOf, openSample, sample } from './support/samples.mjs';
import { engineReady, launch, settled } from './support/session.mjs';
import { drawAll } from './support/stage.mjs';

const JPEG = { type: 'jpeg', quality: 82 };
const BEFORE_AND_AFTER = 'front-385';
const ON_THE_PAGE = 'door-606';

const asUrl = (type, bytes) => `data:image/${type};base64,${bytes.toString('base64')}`;

/** A sample photo beside the same photo without its digits, as `doorplate erase` writes it. */
async function beforeAndAfter(browser, path) {
  const scratch = await mkdtemp(join(tmpdir(), 'doorplate-pictures-'));
  const photo = sample(BEFORE_AND_AFTER);
  const { png } = await eraseNatively(scratch, photo, boxesOf(BEFORE_AND_AFTER));
  await rm(scratch, { recursive: true });
  const page = await browser.newPage();
  await page.setContent(`<div style="display: inline-flex; gap: 8px">
    <img width="480" src="${asUrl('jpeg', await readFile(photo))}">
    <img width="480" src="${asUrl('png', png)}"></div>`);
  await page.locator('div').screenshot({ path, ...JPEG });
  await page.close();
}

/** The page with a sample photo, boxes round its digits, and the divider. */
async function thePage(browser, origin, path) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${origin}/?engine=cpu`);
  await engineReady(page);
  await openSample(page, ON_THE_PAGE);
  await drawAll(page, boxesOf(ON_THE_PAGE));
  await settled(page);
  await page.keyboard.press('b');
  await page.getByTestId('divider').waitFor();
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((one) => one.finished)));
  // As on screen: hiding the caret takes a style sheet, which the content policy forbids.
  await page.screenshot({ path, caret: 'initial', ...JPEG });
  await page.close();
}

const [folder] = process.argv.slice(2);
if (!folder || obstacle) {
  console.error(obstacle || 'usage: node tests/browser/pictures.mjs OUTDIR');
  process.exit(2);
}
await mkdir(folder, { recursive: true });
const server = await serve();
const browser = await launch();
try {
  await beforeAndAfter(browser, resolve(folder, 'before-and-after.jpg'));
  await thePage(browser, server.origin, resolve(folder, 'page.jpg'));
} finally {
  await browser.close();
  await server.stop();
}
