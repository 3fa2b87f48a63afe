// Finding the digits in a photo: boxes come by themselves, and nothing that is there is lost.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { ONE_PIXEL } from './support/oddfiles.mjs';
import { SECOND, boxesOf, openSample, sample } from './support/samples.mjs';
import {
  LIMIT_MILLISECONDS,
  engineReady,
  message,
  settled,
  until,
  withPageServed,
} from './support/session.mjs';
import { boxes, choose, draw, houseNumber, photoShown } from './support/stage.mjs';

/** The sample, blurred by so many pixels, as a PNG. */
async function blurred(page, name, pixels) {
  const url = await page.evaluate(
    async ([bytes, pixels]) => {
      const picture = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [picture.width, picture.height];
      const context = canvas.getContext('2d');
      context.filter = `blur(${pixels}px)`;
      context.drawImage(picture, 0, 0);
      return canvas.toDataURL('image/png');
    },
    [[...readFileSync(sample(name))], pixels],
  );
  return Buffer.from(url.split(',')[1], 'base64');
}

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
    await message(page, /model that finds numbers cannot be used/);
    await page.context().unroute(/finder-[0-9a-f]+\.safetensors$/);
    await page.keyboard.press('f');
    await message(page, /^No number found/);
    assert.equal((await boxes(page)).length, 0);
    assertClean();
  });

  test('looks through new photos unasked, once, unless that is switched off', async (t) => {
    const { page, assertClean } = await at.visit(t, { findsUnasked: true });
    await engineReady(page);
    await openSample(page, 'enamel-143');
    await message(page, /^Found 3 digits/);
    await settled(page);
    assert.equal(await houseNumber(page), '143');
    await page.keyboard.press('Control+z');
    assert.equal((await boxes(page)).length, 0);

    await choose(page, { name: 'dot.png', mimeType: 'image/png', buffer: ONE_PIXEL });
    await photoShown(page, 'dot.png');
    await message(page, /^No number found/);
    await until('the strip says so', async () =>
      (await page.getByTestId('photo').nth(1).innerText()).includes('none'),
    );
    // Back where the boxes were taken away: they stay away.
    await page.getByTestId('photo').nth(0).click();
    await photoShown(page, 'enamel-143.jpg');
    await settled(page);
    assert.equal((await boxes(page)).length, 0, 'not looked through again');

    await page.getByTestId('finds-unasked').uncheck();
    await openSample(page, 'door-606');
    await settled(page);
    assert.equal((await boxes(page)).length, 0);
    await page.getByTestId('finds-unasked').check();
    await until('it is looked through', async () => (await boxes(page)).length > 0);
    assertClean();
  });

  test('looks through the photos that nobody has opened yet', async (t) => {
    const { page, assertClean } = await at.visit(t, { findsUnasked: true });
    await engineReady(page);
    const dot = { name: 'dot.png', mimeType: 'image/png', buffer: ONE_PIXEL };
    const broken = { ...dot, name: 'broken.png', buffer: ONE_PIXEL.subarray(0, 40) };
    const photo = (name) => {
      return { name: `${name}.jpg`, mimeType: 'image/jpeg', buffer: readFileSync(sample(name)) };
    };
    await choose(page, [photo('enamel-143'), dot, broken, photo('door-606')]);
    await photoShown(page, 'enamel-143.jpg');
    const mark = (place) => page.getByTestId('photo').nth(place).innerText();
    await until('the strip says what was found', async () => (await mark(3)).includes('606'));
    await until('and where nothing was', async () => (await mark(1)).includes('none'));
    await page.getByTestId('photo').nth(3).click();
    await photoShown(page, 'door-606.jpg');
    await settled(page);
    assert.equal(await houseNumber(page), '606');
    await page.keyboard.press('Control+z');
    assert.equal((await boxes(page)).length, 0, 'one step to undo');
    assertClean();
  });

  test('suggests what it is not sure of', async (t) => {
    const { page, assertClean } = await at.visit(t, { findsUnasked: true });
    await engineReady(page);
    const suggestions = page.getByTestId('suggestion');
    // As blurred as it must be to be no longer sure.
    let pixels = 0;
    for (const name of ['enamel-143', 'door-606', 'front-385']) {
      for (pixels of [2, 3, 4, 5, 6, 8, 10]) {
        const buffer = await blurred(page, name, pixels);
        await choose(page, { name: `${name}-${pixels}.png`, mimeType: 'image/png', buffer });
        await photoShown(page, `${name}-${pixels}.png`);
        await settled(page);
        if ((await suggestions.count()) > 1) break;
      }
      if ((await suggestions.count()) > 1) break;
    }
    const [count, before] = [await suggestions.count(), (await boxes(page)).length];
    assert.ok(count > 1, 'something is suggested');
    assert.match(await page.getByTestId('suggested').innerText(), new RegExp(`^${count} more`));

    await suggestions.first().focus();
    await page.keyboard.press('Delete');
    await until('it is dismissed', async () => (await suggestions.count()) === count - 1);
    await page.keyboard.press('Enter');
    await until('the next is taken', async () => (await boxes(page)).length === before + 1);
    await page.keyboard.press('Control+z');
    await page.keyboard.press('Control+z');
    await until('both are undone', async () => (await suggestions.count()) === count);
    await page.getByTestId('take-all').click();
    assert.equal((await boxes(page)).length, before + count);
    await page.keyboard.press('Control+z');
    await page.getByTestId('dismiss-all').click();
    assert.equal(await suggestions.count(), 0);
    assert.equal((await boxes(page)).length, before);
    assertClean();
  });

  test('finds the digits in a box round a number, and lets it be where there is none', async (t) => {
    const { page, assertClean } = await at.visit(t);
    await engineReady(page);
    await openSample(page, 'enamel-143');
    const digits = boxesOf('enamel-143');
    const right = Math.max(...digits.map(({ left, width }) => left + width));
    const [left, top] = [digits[0].left - 20, digits[0].top - 20];
    const height = digits[0].height + 40;
    await draw(page, { left, top, width: right + 20 - left, height });
    await page.keyboard.press('Shift+F');
    await message(page, /^Found 3 digits in the box/);
    assert.equal((await boxes(page)).length, 3);
    await page.keyboard.press('Control+z');
    assert.equal((await boxes(page)).length, 1);
    const buffer = await blurred(page, 'enamel-143', 80);
    await choose(page, { name: 'fog.png', mimeType: 'image/png', buffer });
    await photoShown(page, 'fog.png');
    await draw(page, { left: 40, top: 40, width: 90, height: 60 });
    await page.keyboard.press('Shift+F');
    await message(page, /^No digit found in the box/);
    assert.equal((await boxes(page)).length, 1);
    assertClean();
  });
});
