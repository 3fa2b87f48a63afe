// The brush: what it adds and takes away, by pointer, touch and keys, and that it is kept.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { decode } from './support/pixels.mjs';
import { FIRST as BOX, sample } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  LIMIT_MILLISECONDS,
  engineReady,
  openSession,
  settled,
  withPageServed,
} from './support/session.mjs';
import { boxes, choose, drawAll, photoShown, save, shownPhoto } from './support/stage.mjs';

/** Two decoders of a JPEG differ by so much. */
const DECODERS = 4;

/** The pixels of the only box that are filled, as the tint shows them. */
async function filled(page) {
  await settled(page);
  return page.getByTestId('filled').evaluate((canvas, { left, top, width, height }) => {
    const { data } = canvas.getContext('2d').getImageData(left, top, width, height);
    const pixels = [];
    for (let i = 0; i < width * height; i += 1) pixels.push(data[4 * i + 3] > 0);
    return { width, height, pixels };
  }, BOX);
}

const at = ({ pixels, width }, [x, y]) => pixels[y * width + x];
const count = ({ pixels }) => pixels.filter(Boolean).length;

/**
 * A pixel with all around it filled, or not; of several the one that `weight` gives the most, or the
 * first.
 */
function surrounded(mask, value, reach, weight = () => 0) {
  let best;
  for (let y = reach; y < mask.height - reach; y += 1) {
    for (let x = reach; x < mask.width - reach; x += 1) {
      let all = true;
      for (let dy = -reach; dy <= reach && all; dy += 1) {
        for (let dx = -reach; dx <= reach && all; dx += 1) {
          all = at(mask, [x + dx, y + dy]) === value;
        }
      }
      const found = all && { pixel: [x, y], weight: weight([x, y]) };
      if (found && !(best?.weight >= found.weight)) best = found;
    }
  }
  assert.ok(best, `nowhere are ${reach} pixels around ${value ? 'filled' : 'left'}`);
  return best.pixel;
}

/** A pixel of the box on screen. */
async function onScreen(page, [x, y]) {
  const place = await page.getByTestId('box').first().boundingBox();
  const scale = place.width / BOX.width;
  return { x: place.x + (x + 0.5) * scale, y: place.y + (y + 0.5) * scale };
}

/** The largest difference in a pixel of the box. */
function differs(a, b, [x, y]) {
  const i = ((BOX.top + y) * a.width + BOX.left + x) * 4;
  return Math.max(...[0, 1, 2].map((channel) => Math.abs(a.data[i + channel] - b.data[i + channel])));
}

describe('the brush', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const where = withPageServed();

  async function atWork(t, options) {
    const session = await openSession(t, where.browser, where.server.origin, options);
    const { page } = session;
    await session.goto('?engine=cpu');
    await engineReady(page);
    assert.ok(await page.getByTestId('brush').isDisabled());
    await choose(page, sample('door-606'));
    await photoShown(page, 'door-606.jpg');
    await drawAll(page, [BOX]);
    await settled(page);
    return session;
  }

  test('adds and takes away by mouse, is undone, saved and kept', async (t) => {
    const session = await atWork(t);
    const { page } = session;
    const { mouse, keyboard } = page;
    await keyboard.down('o');
    await page.locator('.stage.is-comparing').waitFor();
    const original = await shownPhoto(page);
    await keyboard.up('o');
    await page.getByTestId('brush').click();
    assert.equal(await page.getByTestId('brush').getAttribute('aria-pressed'), 'true');
    await page.getByTestId('brush-width').fill('4');
    const found = await filled(page);
    assert.ok(count(found) > 200, 'the digit is found');

    // Added where nothing was found; one drag is one step, and no box.
    const wall = surrounded(found, false, 5);
    const drag = async (from, by) => {
      const a = await onScreen(page, from);
      const b = await onScreen(page, [from[0] + by, from[1]]);
      await mouse.move(a.x, a.y);
      await mouse.down();
      await mouse.move((a.x + b.x) / 2, a.y);
      await mouse.move(b.x, b.y);
    };
    await drag(wall, 2);
    assert.ok(at(await filled(page), wall), 'while it is painted');
    await mouse.up();
    assert.ok(at(await filled(page), wall));
    assert.equal((await boxes(page)).length, 1);
    await keyboard.press('Control+z');
    assert.deepEqual(await filled(page), found, 'as it was found');
    await keyboard.press('Control+y');
    assert.ok(at(await filled(page), wall));

    // Escape ends a stroke without a trace.
    const before = await filled(page);
    await drag([wall[0], wall[1] + 3], 2);
    await keyboard.press('Escape');
    await mouse.up();
    assert.deepEqual(await filled(page), before);
    assert.equal(await page.getByTestId('brush-bar').count(), 1, 'the brush is still up');

    // Taken away where the digit is: the photo's own pixels are back.
    const gone = await shownPhoto(page);
    const digit = surrounded(found, true, 3, (pixel) => differs(original, gone, pixel));
    assert.ok(differs(original, gone, digit) > 30, 'the digit is gone');
    await keyboard.down('Shift');
    await drag(digit, 1);
    await mouse.up();
    await keyboard.up('Shift');
    const taken = await filled(page);
    assert.ok(!at(taken, digit) && at(taken, wall));
    assert.equal(differs(original, await shownPhoto(page), digit), 0);
    const saved = decode((await save(page, ANSWER_MILLISECONDS)).png);
    assert.ok(differs(original, saved, digit) <= DECODERS, 'so it is in the file');

    // Without the box nothing of it counts; back with it, all does.
    await keyboard.press('Escape');
    await keyboard.press('Control+a');
    await keyboard.press('Delete');
    await keyboard.press('Control+z');
    await keyboard.press('p');
    assert.deepEqual(await filled(page), taken);

    await page.waitForTimeout(1000);
    await page.reload();
    await photoShown(page, 'door-606.jpg');
    await engineReady(page);
    await settled(page);
    assert.equal(await page.getByTestId('photo').count(), 0, 'one photo has no strip');
    await page.getByTestId('brush').click();
    assert.deepEqual(await filled(page), taken);
    session.assertClean();
  });

  test('goes by keys, and says where it has no say', async (t) => {
    const session = await atWork(t);
    const { page } = session;
    const { keyboard } = page;
    await keyboard.press('p');
    const found = await filled(page);
    const width = page.getByTestId('brush-width');
    const before = Number(await width.inputValue());
    await keyboard.press('.');
    assert.ok(Number(await width.inputValue()) > before);
    for (let i = 0; i < 30; i += 1) await keyboard.press(',');
    assert.equal(Number(await width.inputValue()), 2);
    for (const key of ['.', '.', '.', '.']) await keyboard.press(key);

    // From the box's middle, taking away to the right.
    const said = (words) => page.locator('.visually-hidden').filter({ hasText: words }).waitFor({ state: 'attached' });
    await keyboard.press('x');
    assert.equal(await page.getByTestId('brush-takes').getAttribute('aria-pressed'), 'true');
    await said('The brush restores.');
    await keyboard.press('Enter');
    await said('Stroke begun.');
    await keyboard.press('Shift+ArrowRight');
    await keyboard.press('Shift+ArrowRight');
    await keyboard.press('ArrowRight');
    await keyboard.press('Enter');
    await said('Stroke ended.');
    const taken = await filled(page);
    assert.ok(count(taken) < count(found));
    const middle = [Math.floor(BOX.width / 2), Math.floor(BOX.height / 2)];
    for (let step = 0; step <= 21; step += 1) {
      assert.ok(!at(taken, [middle[0] + step, middle[1]]), `${step} pixels right of the middle`);
    }
    await keyboard.press('ArrowLeft');
    assert.deepEqual(await filled(page), taken, 'the stroke has ended');
    assert.deepEqual((await boxes(page)).length, 1);
    await keyboard.press('Control+z');
    assert.deepEqual(await filled(page), found, 'one step');
    await keyboard.press('Escape');
    assert.equal(await page.getByTestId('brush-bar').count(), 0);
    assert.equal(await page.getByTestId('filled').count(), 0);

    await page.getByTestId('inspect').click();
    await page.getByTestId('method').selectOption('grid');
    await keyboard.press('Escape');
    await page.getByTestId('inside').waitFor({ state: 'hidden' });
    await settled(page);
    await page.getByTestId('brush').click();
    assert.match(await page.getByTestId('brush-bar').innerText(), /does not work with this method/);
    session.assertClean();
  });

  test('paints with a finger, and two fingers zoom', async (t) => {
    const options = { viewport: { width: 390, height: 844 }, hasTouch: true };
    const session = await atWork(t, options);
    const { page, context } = session;
    await page.getByTestId('brush').tap();
    await page.getByTestId('brush-takes').tap();
    await page.getByTestId('brush-width').fill('6');
    const found = await filled(page);
    const client = await context.newCDPSession(page);
    const touch = (type, ...points) =>
      client.send('Input.dispatchTouchEvent', { type, touchPoints: points });
    const digit = surrounded(found, true, 3);
    const from = await onScreen(page, digit);

    const zoomOf = () => page.locator('.stage .photo').evaluate(({ style }) => style.transform);
    const zoom = await zoomOf();
    const far = { x: from.x + 40, y: from.y + 10, id: 1 };
    await touch('touchStart', { ...from, id: 0 });
    await touch('touchStart', { ...from, id: 0 }, far);
    await touch('touchMove', { ...from, id: 0 }, { ...far, x: far.x + 40 });
    await touch('touchEnd');
    assert.notEqual(await zoomOf(), zoom);
    assert.deepEqual(await filled(page), found, 'nothing is painted');

    await page.keyboard.press('0');
    await touch('touchStart', from);
    await touch('touchMove', { x: from.x + 2, y: from.y + 2 });
    await touch('touchEnd');
    assert.ok(!at(await filled(page), digit));
    await page.getByTestId('undo').tap();
    assert.deepEqual(await filled(page), found);
    await page.getByTestId('brush-done').tap();
    assert.equal(await page.getByTestId('brush-bar').count(), 0);
    session.assertClean();
  });
});
