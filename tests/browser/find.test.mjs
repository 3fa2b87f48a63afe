// Finding the digits in a photo: boxes come by themselves, and nothing that is there is lost.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { ONE_PIXEL } from './support/oddfiles.mjs';
import { SECOND, boxesOf, openSample } from './support/samples.mjs';
import {
  LIMIT_MILLISECONDS,
  engineReady,
  message,
  settled,
  withPageServed,
} from './support/session.mjs';
import { boxes, choose, draw, houseNumber, photoShown } from './support/stage.mjs';

/** What two boxes share, as a part of their union. */
function shared(a, b) {
  const along = (from, length, other, otherLength) =>
    Math.max(0, Math.min(from + length, other + otherLength) - Math.max(from, other));
  const both = along(a.left, a.width, b.left, b.width) * along(a.top, a.height, b.top, b.height);
  return both / (a.width * a.height + b.width * b.height - both);
}

describe('finding numbers', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  test('puts boxes round the digits, as one step, and keeps those that are there', async (t) => {
    const { page, requests, assertClean } = await at.visit(t);
    await engineReady(page);
    await openSample(page, 'enamel-143');
    await page.getByTestId('find').click();
    await message(page, /^Found 3 digits/);
    await settled(page);
    const found = await boxes(page);
    for (const truth of boxesOf('enamel-143')) {
      assert.ok(found.some((area) => shared(area, truth) > 0.3), JSON.stringify(found));
    }
    assert.equal(await houseNumber(page), '143');
    const weights = () => requests.filter((url) => /finder-[0-9a-f]+\.safetensors$/.test(url));
    assert.equal(weights().length, 1, 'fetched when it is asked for');

    await page.keyboard.press('f');
    await message(page, /^Nothing more found/);
    assert.equal((await boxes(page)).length, 3);
    assert.equal(weights().length, 1, 'and only then');
    await page.keyboard.press('Control+z');
    assert.equal((await boxes(page)).length, 0, 'one step to undo');

    await openSample(page, 'door-606');
    await draw(page, SECOND);
    await page.keyboard.press('f');
    await message(page, /^Found/);
    const kept = (await boxes(page)).filter((area) => shared(area, SECOND) > 0.3);
    assert.equal(kept.length, 1, 'no second box round the same digit');
    assertClean();
  });

  test('says so if there is none, and if the network for it cannot be had', async (t) => {
    const { page, expectProblem, assertClean } = await at.visit(t);
    await engineReady(page);
    await choose(page, { name: 'dot.png', mimeType: 'image/png', buffer: ONE_PIXEL });
    await photoShown(page, 'dot.png');
    await page.context().route(/finder-[0-9a-f]+\.safetensors$/, (route) => route.abort());
    expectProblem(/finder/);
    await page.keyboard.press('f');
    await message(page, /network that finds numbers cannot be used/);
    await page.context().unroute(/finder-[0-9a-f]+\.safetensors$/);
    await page.keyboard.press('f');
    await message(page, /^No number found/);
    assert.equal((await boxes(page)).length, 0);
    assertClean();
  });
});
