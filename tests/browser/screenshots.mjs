// Pictures of every view of the page for looking at, not a test (`make screenshots`):
//   node tests/browser/screenshots.mjs OUTDIR [VIEW...]
// with the environment of `make test-browser`, in both themes and three widths.
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';

import { obstacle } from './support/env.mjs';
import { workKept } from './support/kept.mjs';
import { publishVariant, replaceFile, siteWithOwnModels, writeManifest } from './support/models.mjs';
import { serve } from './support/native.mjs';
import { boxesOf, openSample, sample } from './support/samples.mjs';
import {
  engineFailed,
  engineReady,
  keptForOffline,
  launch,
  message,
  occupyEngine,
  settled,
} from './support/session.mjs';
import { choose, drawAll, dropText, holdOver, photoShown, save } from './support/stage.mjs';

const SIZES = [
  { width: 390, height: 844 },
  { width: 820, height: 1180 },
  { width: 1440, height: 900 },
];
const NO_PICTURE = { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('none') };
/** Longer than a picture takes. */
const HELD_MILLISECONDS = 5_000;

/** In the page: waits until nothing is on its way from one look to another. */
function atRest() {
  const transitions = document.getAnimations().filter((one) => one instanceof CSSTransition);
  return Promise.allSettled(transitions.map((one) => one.finished));
}

/** Opens a view, has its picture taken, and closes it. */
async function inDialog(page, shoot, name, testId, open) {
  await open();
  await page.getByTestId(testId).waitFor();
  await settled(page);
  await shoot(name);
  await page.keyboard.press('Escape');
  await page.getByTestId(testId).waitFor({ state: 'hidden' });
  // The page hears of it a moment later, and takes keys only then.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
}

/** One visit that comes by every view. */
async function visit({ page, context }, { server, site, shoot }) {
  let release;
  const held = new Promise((done) => {
    release = done;
  });
  const weights = '**/*.safetensors';
  await context.route(weights, async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${server.origin}/?engine=cpu`);
  await page.getByTestId('progress').waitFor();
  await page.getByTestId('sample').first().waitFor();
  await shoot('starting');
  release();
  await engineReady(page);
  await context.unroute(weights);
  await page.waitForLoadState('networkidle');
  await shoot('empty');

  await openSample(page, 'door-606');
  await page.keyboard.press('Escape');
  await settled(page);
  await shoot('photo');
  await drawAll(page, boxesOf('door-606'));
  await settled(page);
  await shoot('boxes');
  await page.keyboard.press('b');
  await shoot('divider');
  await page.keyboard.press('s');
  await page.getByTestId('original-beside').waitFor();
  await shoot('side-by-side');
  await page.keyboard.press('s');
  await page.keyboard.press('p');
  await page.getByTestId('brush-bar').waitFor();
  await shoot('brush');
  await page.keyboard.press('Escape');

  await inDialog(page, shoot, 'inspector', 'inside', () => page.keyboard.press('i'));
  await inDialog(page, shoot, 'models', 'models', () => page.getByTestId('choose-model').click());
  await inDialog(page, shoot, 'compared', 'models', async () => {
    await page.getByTestId('choose-model').click();
    for (const tick of await page.getByTestId('tick').all()) await tick.check();
    await page.locator('[data-testid=compared-state][data-state=read]').nth(1).waitFor();
    await page.getByTestId('compared-boxes').scrollIntoViewIfNeeded();
  });
  await inDialog(page, shoot, 'help', 'help', () => page.keyboard.press('?'));
  await inDialog(page, shoot, 'fetches', 'fetches', () => page.getByTestId('stays').click());
  const more = page.getByTestId('more');
  await more.click();
  await page.getByTestId('forget').scrollIntoViewIfNeeded();
  await shoot('box-files');
  await more.click();
  // On a phone the stage is out of sight from down there.
  await page.getByTestId('stage').scrollIntoViewIfNeeded();
  const takeAway = await holdOver({ page, context }, sample('tiles-52'));
  await page.locator('.drop-veil:not(.is-hidden)').waitFor();
  await shoot('drop');
  await takeAway();

  await choose(page, ['enamel-143', 'tiles-52', 'brick-27'].map(sample));
  await photoShown(page, 'enamel-143.jpg');
  await drawAll(page, boxesOf('enamel-143'));
  await settled(page);
  await shoot('strip');
  const occupied = occupyEngine(page, HELD_MILLISECONDS);
  await page.getByTestId('save-all').click();
  await page.getByTestId('cancel-saving').waitFor();
  await shoot('saving-all');
  await page.getByTestId('cancel-saving').click();
  await occupied;
  await message(page, 'Cancelled');
  await settled(page);

  await save(page);
  await dropText({ page, context }, 'a text');
  await choose(page, NO_PICTURE);
  await message(page, NO_PICTURE.name);
  await shoot('messages');

  await workKept(page, { files: 4, areas: boxesOf('enamel-143'), times: 2 });
  await page.reload();
  await page.getByTestId('restored').waitFor();
  await engineReady(page);
  await settled(page);
  await shoot('restored');

  await keptForOffline(page);
  await replaceFile(site, 'index.html', (html) => html.replace('<body>', '$& '));
  await page.getByTestId('discard').click();
  await page.reload();
  await page.getByTestId('update').waitFor();
  await shoot('update');
}

/** A visit on which the engine cannot start. */
async function visitInVain({ page, context }, { server, shoot }) {
  await context.route('**/models/manifest.json', (route) => route.fulfill({ status: 404 }));
  await page.goto(`${server.origin}/?engine=cpu`);
  await engineFailed(page);
  await openSample(page, 'door-606');
  await drawAll(page, boxesOf('door-606'));
  await shoot('failed');
}

const [folder, ...views] = process.argv.slice(2);
if (!folder || obstacle) {
  console.error(obstacle || 'usage: node tests/browser/screenshots.mjs OUTDIR [VIEW...]');
  process.exit(2);
}
await mkdir(folder, { recursive: true });
const ends = [];
try {
  const site = await siteWithOwnModels({ strokes: true });
  await publishVariant(site, 'another', 1);
  await writeManifest(site);
  const server = await serve(site.folder);
  ends.unshift(server.stop);
  const browser = await launch();
  ends.unshift(() => browser.close());
  for (const colorScheme of ['light', 'dark']) {
    for (const viewport of SIZES) {
      for (const go of [visit, visitInVain]) {
        const context = await browser.newContext({ viewport, colorScheme, acceptDownloads: true });
        const page = await context.newPage();
        const shoot = async (view) => {
          if (views.length > 0 && !views.includes(view)) return;
          const path = resolve(folder, `${view}-${colorScheme}-${viewport.width}.png`);
          await page.evaluate(atRest);
          // A dialog covers only what is in sight.
          const fullPage = (await page.locator('dialog[open]').count()) === 0;
          // Playwright would hide the caret with a style sheet, which the content policy forbids.
          await page.screenshot({ path, fullPage, caret: 'initial' });
          console.log(path);
        };
        await go({ page, context }, { server, site, shoot });
        await context.close();
      }
    }
  }
} finally {
  for (const end of ends) await end();
}
