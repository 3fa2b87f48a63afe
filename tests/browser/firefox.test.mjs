// The page in Firefox, by the real events of its own remote protocol: photo in, boxes, readings,
// removal, undo and redo by key, saving; and the same work again without a network.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { firefoxObstacle } from './support/env.mjs';
import { eraseNatively, scratchFolder, serve } from './support/native.mjs';
import { workKept } from './support/kept.mjs';
import { decode, difference } from './support/pixels.mjs';
import { boxesOf, openSample, sample } from './support/samples.mjs';
import {
  LIMIT_MILLISECONDS,
  PAGE_MILLISECONDS,
  engineReady,
  keptForOffline,
  launchFirefox,
  message,
  openSession,
  settled,
  until,
} from './support/session.mjs';
import {
  areaOf,
  boxes,
  chooseSaving,
  drawAll,
  houseNumber,
  photoShown,
  shownPhoto,
} from './support/stage.mjs';

const PHOTO = 'tiles-52';
const AREAS = boxesOf(PHOTO);

/** A PNG's content, once its end is there. */
async function wholePng(path) {
  let png;
  await until(`${path} is written`, async () => {
    png = await readFile(path).catch(() => Buffer.alloc(0));
    return png.includes('IEND');
  });
  return png;
}

/** A page on which the sample is open with its boxes drawn. */
async function begin(t) {
  const downloads = await scratchFolder();
  const browser = await launchFirefox(downloads);
  t.after(() => browser.close());
  t.diagnostic(`Firefox ${browser.version()}`);
  const server = await serve();
  t.after(server.stop);
  const session = await openSession(t, browser, server.origin);
  const { page } = session;
  await session.goto('?engine=cpu');
  assert.match(await engineReady(page), /Using the CPU/);
  await openSample(page, PHOTO);
  await settled(page);
  const original = await shownPhoto(page);
  await drawAll(page, AREAS);
  await settled(page);
  assert.deepEqual((await boxes(page)).map(areaOf), AREAS, 'the boxes are where they were drawn');
  return { ...session, server, downloads, original };
}

describe('in Firefox', { skip: firefoxObstacle, timeout: LIMIT_MILLISECONDS }, () => {
  test('a photo is read, removed, changed by key and saved', async (t) => {
    const { page, allRequests, downloads, original, assertClean } = await begin(t);
    const native = await eraseNatively(await scratchFolder(), sample(PHOTO), AREAS);
    const number = native.readings.map(({ digit }) => digit).join('');
    assert.equal(await houseNumber(page), number);

    const change = difference(await shownPhoto(page), original, AREAS);
    assert.ok(change.changed > 0.05, `the digits went: ${JSON.stringify(change)}`);
    // A rim round each box is the engine's JPEG decoder's, not the browser's.
    assert.ok(change.outside <= 2, `outside the boxes nothing changed: ${JSON.stringify(change)}`);

    await page.keyboard.press('Control+z');
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), AREAS.slice(0, -1));
    await page.keyboard.press('Control+Shift+z');
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), AREAS);
    assert.equal(await houseNumber(page), number);

    await chooseSaving(page, { format: 'PNG' });
    await page.getByTestId('save').click();
    const name = `${PHOTO}-doorplate.png`;
    await message(page, `Saved as ${name}.`);
    const saved = decode(await wholePng(join(downloads, name)));
    const expected = difference(saved, decode(native.png), AREAS);
    assert.ok(expected.within <= 2, `within the boxes as natively: ${JSON.stringify(expected)}`);
    assert.equal(expected.outside, 0, 'outside the boxes the pixels are the native ones');
    assert.ok(allRequests.some((url) => url.endsWith('.safetensors')), 'requests are seen');
    assertClean();
  });

  test('the work is there again without a network', async (t) => {
    const { page, server, assertClean } = await begin(t);
    const number = await houseNumber(page);
    await keptForOffline(page);
    await workKept(page, { files: 1, areas: AREAS });
    await server.stop();
    await page.reload({ timeout: PAGE_MILLISECONDS });
    await photoShown(page, `${PHOTO}.jpg`);
    await engineReady(page);
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), AREAS);
    assert.equal(await houseNumber(page), number);
    assertClean();
  });
});
