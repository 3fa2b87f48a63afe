// Files that are no photos are refused in words, and what is open stays; files that are photos
// of an unusual kind are taken.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { copyFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { obstacle, samples } from './support/env.mjs';
import { eraseNatively, scratchFolder } from './support/native.mjs';
import { HUGE_HEADER, ODD_PICTURES, ONE_PIXEL, STROKE_BOX } from './support/oddfiles.mjs';
import { decode, difference } from './support/pixels.mjs';
import { FIRST as BOX, boxesOf, openSample } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  LIMIT_MILLISECONDS,
  engineReady,
  message,
  settled,
  withPageServed,
} from './support/session.mjs';
import {
  areaOf,
  boxes,
  choose,
  drawAll,
  houseNumber,
  photoShown,
  save,
  shownPhoto,
} from './support/stage.mjs';

const sample = readFileSync(join(samples, 'tiles-52.jpg'));

const BAD_FILES = [
  { name: 'empty.png', mimeType: 'image/png', buffer: Buffer.alloc(0), says: /empty/ },
  {
    name: 'notes.png',
    mimeType: 'image/png',
    buffer: Buffer.from('The number is above the door.\n'),
    says: /not a picture/,
  },
  {
    name: 'half.jpg',
    mimeType: 'image/jpeg',
    buffer: sample.subarray(0, sample.length >> 1),
    says: /cut short/,
  },
  { name: 'stub.jpg', mimeType: 'image/jpeg', buffer: sample.subarray(0, 20), says: /cut short/ },
  {
    name: 'huge.png',
    mimeType: 'image/png',
    buffer: HUGE_HEADER,
    says: /30,?000 x 30,?000|megapixel/,
  },
];

const MEGABYTE = 1024 * 1024;

describe('files', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  test('bad ones are refused, the open photo and its boxes stay', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await openSample(page, 'door-606');
    await drawAll(page, [BOX]);
    await engineReady(page);
    await settled(page);
    const before = await houseNumber(page);
    const shown = await shownPhoto(page);
    for (const { says, ...file } of BAD_FILES) {
      await choose(page, file);
      const text = await message(page, file.name);
      t.diagnostic(text);
      assert.match(text, says);
      await settled(page);
      await photoShown(page, 'door-606.jpg');
      assert.deepEqual((await boxes(page)).map(areaOf), [BOX], file.name);
      assert.equal(await houseNumber(page), before, file.name);
      assert.ok(shown.data.equals((await shownPhoto(page)).data), file.name);
    }
    const { name } = await save(page, ANSWER_MILLISECONDS);
    assert.equal(name, 'door-606-doorplate.png');
    session.assertClean();
  });

  test('a bad one as the first leaves the empty page', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    const { says, ...file } = BAD_FILES.find(({ name }) => name === 'half.jpg');
    await choose(page, file);
    assert.match(await message(page, file.name), says);
    await settled(page);
    await page.getByTestId('sample').first().click();
    await engineReady(page);
    await settled(page);
    assert.equal(await page.locator('.file-stem').count(), 1);
    session.assertClean();
  });

  test('unusual ones are read, removed and saved as the native program does', async (t) => {
    const folder = await scratchFolder();
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    for (const [name, bytes] of Object.entries(ODD_PICTURES)) {
      const path = join(folder, name);
      await writeFile(path, bytes);
      await choose(page, path);
      await photoShown(page, name);
      await drawAll(page, [STROKE_BOX]);
      await settled(page);
      assert.deepEqual((await boxes(page)).map(areaOf), [STROKE_BOX], name);
      const native = await eraseNatively(folder, path, [STROKE_BOX]);
      assert.equal(await houseNumber(page), String(native.readings[0].digit), name);
      const saved = await save(page, ANSWER_MILLISECONDS);
      // Depth and colour type are in the header, behind the size.
      assert.deepEqual(saved.png.subarray(24, 26), native.png.subarray(24, 26), name);
      const picture = decode(saved.png);
      const toNative = difference(picture, decode(native.png), [STROKE_BOX]);
      assert.ok(toNative.within <= 2 && toNative.outside === 0, JSON.stringify({ name, toNative }));
      const change = difference(picture, decode(bytes), [STROKE_BOX]);
      assert.equal(change.outside, 0, name);
      assert.ok(change.changed > 0.05, `${name}: the stroke went`);
    }
    session.assertClean();
  });

  test('large ones are refused by their size, or looked at like any other', async (t) => {
    const folder = await scratchFolder();
    // Nothing is written for what is empty, so that these cost no room.
    const large = async (name, megabytes, begin) => {
      const path = join(folder, name);
      await begin(path);
      await truncate(path, megabytes * MEGABYTE);
      return path;
    };
    const session = await at.visit(t);
    const { page } = session;
    for (const [name, megabytes, says] of [
      ['over.jpg', 201, /it has 201 MB; the limit is 200 MB/],
      ['zeros.jpg', 200, /not a picture/],
    ]) {
      await choose(page, await large(name, megabytes, (path) => writeFile(path, '')));
      assert.match(await message(page, name), says);
      await settled(page);
      assert.equal(await page.locator('.file-stem').count(), 0, name);
    }
    const padded = await large('padded.jpg', 190, (path) => copyFile(join(samples, 'tiles-52.jpg'), path));
    await choose(page, padded);
    await photoShown(page, 'padded.jpg');
    await engineReady(page);
    const areas = boxesOf('tiles-52');
    await drawAll(page, areas);
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), areas);
    const saved = decode((await save(page, ANSWER_MILLISECONDS)).png);
    const native = await eraseNatively(folder, padded, areas);
    assert.equal(difference(saved, decode(native.png), areas).outside, 0);
    session.assertClean();
  });

  test('pasted ones are opened, the first on the stage', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await page.evaluate((bytes) => {
      const data = new DataTransfer();
      for (const name of ['pasted.png', 'second.png']) {
        data.items.add(new File([Uint8Array.from(bytes)], name, { type: 'image/png' }));
      }
      document.body.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    }, [...ODD_PICTURES['grey.png']]);
    await photoShown(page, 'pasted.png');
    await page.waitForSelector('[data-testid=photo][data-name="second.png"]');
    await engineReady(page);
    await settled(page);
    session.assertClean();
  });

  test('a photo of one pixel is one', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    await choose(page, { name: 'one.png', mimeType: 'image/png', buffer: ONE_PIXEL });
    await photoShown(page, 'one.png');
    await drawAll(page, [{ left: 0, top: 0, width: 1, height: 1 }]);
    await settled(page);
    assert.match(await houseNumber(page), /^\d$/);
    const saved = decode((await save(page, ANSWER_MILLISECONDS)).png);
    assert.deepEqual([saved.width, saved.height], [1, 1]);
    session.assertClean();
  });
});
