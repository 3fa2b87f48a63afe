// The main path as a person goes it, on WebGPU and without it: photo in, boxes, readings,
// removal, saving, and the same once more from the cache. What is saved is compared with what the
// native program makes of the same photo and boxes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { obstacle, samples, svhnObstacle, svhnTest } from './support/env.mjs';
import { eraseNatively, readNatively, scratchFolder } from './support/native.mjs';
import { decode, difference } from './support/pixels.mjs';
import { boxesOf } from './support/samples.mjs';
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
  drop,
  houseNumber,
  photoShown,
  save,
  shownPhoto,
} from './support/stage.mjs';

const REAL = '13.png';

/** Digits that the page shows are those of the native program, as sure as there. */
function assertSameReadings(shown, native) {
  assert.equal(shown.length, native.length);
  for (const [index, { box, digit, confidence }] of native.entries()) {
    const name = `box ${index + 1}`;
    assert.deepEqual(areaOf(shown[index]), areaOf(box), name);
    assert.equal(shown[index].digit, digit, name);
    assert.ok(
      Math.abs(shown[index].confidence - confidence) < 0.005,
      `${name}: ${shown[index].confidence} on the page, ${confidence} natively`,
    );
  }
}

/** From a photo that is on the stage with its boxes drawn to the saved file. */
async function readRemoveSave({ page, photo, areas, original }) {
  await settled(page);
  const shown = await boxes(page);
  assert.deepEqual(shown.map(areaOf), areas, 'the boxes are where they were drawn');

  const native = await eraseNatively(await scratchFolder(), photo, areas);
  assertSameReadings(shown, native.readings);
  const fromLeft = shown
    .toSorted((a, b) => 2 * a.left + a.width - (2 * b.left + b.width))
    .map(({ digit }) => digit)
    .join('');
  assert.equal(await houseNumber(page), fromLeft);

  const expected = decode(native.png);
  const onStage = difference(await shownPhoto(page), expected, areas);
  assert.ok(onStage.within <= 2, `the stage shows the removal: ${JSON.stringify(onStage)}`);

  const saved = await save(page, ANSWER_MILLISECONDS);
  const stem = photo.split('/').at(-1).replace(/\.\w+$/, '');
  assert.equal(saved.name, `${stem}-doorplate.png`);
  await message(page, `Saved as ${saved.name}.`);
  const picture = decode(saved.png);
  const { within, near, outside } = difference(picture, expected, areas);
  assert.ok(within <= 2, `within the boxes pixels differ by up to ${within}`);
  assert.ok(near <= 2, `where strokes are followed pixels differ by up to ${near}`);
  assert.equal(outside, 0, 'outside the boxes pixels are the native ones');
  if (original) {
    const change = difference(picture, original, areas);
    assert.equal(change.outside, 0, 'outside the boxes pixels are the original ones');
    assert.ok(change.changed > 0.05, `the digits went: ${JSON.stringify(change)}`);
  }
  return { within };
}

for (const { name, webgpu, query, status, sample, areas } of [
  {
    name: 'WebGPU',
    webgpu: true,
    query: '?engine=webgpu',
    status: /Using WebGPU: \S+/,
    // One digit of a narrow number: a software adapter takes seconds a digit.
    sample: 'enamel-143',
    areas: boxesOf('enamel-143').slice(0, 1),
  },
  {
    name: 'no WebGPU',
    webgpu: false,
    query: '?engine=auto',
    status: /Using the CPU/,
    // Digits that touch: the hardest of our own.
    sample: 'door-606',
    areas: boxesOf('door-606'),
  },
]) {
  describe(`with ${name}`, { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
    const at = withPageServed({ webgpu });

    test('a sample is dropped, read, removed, saved; again from the cache', async (t) => {
      const session = await at.visit(t, {}, query);
      const { page, context, requests } = session;

      // The page takes photo and boxes before the engine is there.
      const photo = join(samples, `${sample}.jpg`);
      await drop(page, photo, 'image/jpeg');
      await photoShown(page, `${sample}.jpg`);
      await drawAll(page, areas.slice(0, -1));
      assert.equal((await boxes(page)).length, areas.length - 1);

      assert.match(await engineReady(page), status);
      // What is loaded is enough: from here on there is no network.
      await context.setOffline(true);
      await drawAll(page, areas.slice(-1));
      const { within } = await readRemoveSave({ page, photo, areas });
      t.diagnostic(`largest difference from the native program: ${within}`);
      const timing = await page.getByTestId('timing').innerText();
      assert.match(timing, /read \d digits? in .*\d m?s · removed in .*\d m?s/);
      t.diagnostic(timing);
      assert.match(await page.getByTestId('engine-status').innerText(), status);

      await context.setOffline(false);
      const weights = (url) => url.endsWith('.safetensors');
      // The model's and the stroke network's.
      assert.equal(requests.filter(weights).length, 2, 'the first visit fetches the weights');
      const seen = requests.length;
      await page.reload();
      await engineReady(page);
      assert.ok(requests.length > seen, 'requests of the second visit are seen');
      assert.deepEqual(requests.slice(seen).filter(weights), [], 'the second has them cached');
      session.assertClean();
    });

    test('a real photo is read, removed and saved', { skip: svhnObstacle }, async (t) => {
      const session = await at.visit(t, {}, query);
      const { page } = session;
      await engineReady(page);
      const photo = join(svhnTest, REAL);
      const readings = await readNatively(photo, join(svhnTest, 'digitStruct.mat'));
      const areas = readings.map(({ box }) => areaOf(box));
      await choose(page, photo);
      await photoShown(page, REAL);
      await drawAll(page, areas);
      const original = decode(readFileSync(photo));
      const { within } = await readRemoveSave({ page, photo, areas, original });
      t.diagnostic(`largest difference from the native program: ${within}`);
      t.diagnostic(await page.getByTestId('timing').innerText());
      session.assertClean();
    });
  });
}
