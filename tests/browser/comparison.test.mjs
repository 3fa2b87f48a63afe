// Before and after: the divider by pointer, touch and keys, and the share of changed pixels.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { PNG } from 'pngjs';

import { obstacle } from './support/env.mjs';
import { scratchFolder } from './support/native.mjs';
import { ODD_PICTURES, SIZE, STROKE_BOX } from './support/oddfiles.mjs';
import { decode } from './support/pixels.mjs';
import { FIRST as BOX, openSample } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  LIMIT_MILLISECONDS,
  engineReady,
  settled,
  withPageServed,
} from './support/session.mjs';
import {
  areaOf,
  boxes,
  choose,
  draw,
  drawAll,
  photoShown,
  save,
  screenshot,
  shownPhoto,
} from './support/stage.mjs';

/** In per cent of the photo's width. */
const MIDDLE = 46;

describe('before and after', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  async function atWork(t, options) {
    const session = await at.visit(t, options);
    const { page } = session;
    assert.ok(await page.getByTestId('before-after').isDisabled());
    await page.keyboard.press('b');
    assert.equal(await page.getByTestId('divider').count(), 0, 'nothing to divide yet');
    await openSample(page, 'door-606');
    await drawAll(page, [BOX]);
    await engineReady(page);
    await settled(page);
    return session;
  }

  /** Its place in per cent. */
  const now = async (page) => Number(await page.getByTestId('divider').getAttribute('aria-valuenow'));
  /** The photo as it is shown, left and right of about the middle of the box. */
  const halves = async (page) => {
    const { width, height, data } = await shownPhoto(page);
    const column = (width * MIDDLE) / 100;
    const rows = Array.from({ length: height }, (_, y) => data.subarray(4 * width * y, 4 * width * (y + 1)));
    return {
      left: Buffer.concat(rows.map((row) => row.subarray(0, 4 * column))),
      right: Buffer.concat(rows.map((row) => row.subarray(4 * column))),
    };
  };
  /** The middle of the divider's knob on screen. */
  const knob = async (page) => {
    const place = await page.locator('.comparison-knob').boundingBox();
    return { x: place.x + place.width / 2, y: place.y + place.height / 2 };
  };

  test('the divider goes by keys, and hides what is left of it', async (t) => {
    const session = await atWork(t);
    const { page } = session;
    const { keyboard } = page;
    await keyboard.press('Escape');
    const after = await screenshot(page);
    await keyboard.press('b');
    const divider = page.getByRole('slider', { name: 'Divider between before and after' });
    assert.ok(await divider.evaluate((element) => element === document.activeElement));
    assert.equal(await page.getByTestId('before-after').getAttribute('aria-pressed'), 'true');
    assert.equal(await now(page), 50);
    for (const [key, value] of [
      ['ArrowRight', 51],
      ['ArrowLeft', 50],
      ['Shift+ArrowRight', 60],
      ['PageDown', 50],
      ['ArrowDown', 49],
      ['End', 100],
      ['ArrowRight', 100],
      ['Home', 0],
      ['ArrowLeft', 0],
      ['ArrowUp', 1],
    ]) {
      await keyboard.press(key);
      assert.equal(await now(page), value, key);
    }
    assert.match(await divider.getAttribute('aria-valuetext'), /^1 % before, 99 % after$/);
    assert.deepEqual((await boxes(page)).map(areaOf), [BOX], 'the keys are not the boxes’');

    // What is on screen: the digit left of the divider, gone right of it.
    const place = await page.getByTestId('box').boundingBox();
    const inset = 12;
    const clip = {
      x: Math.ceil(place.x + inset),
      y: Math.ceil(place.y + inset),
      width: Math.floor(place.width - 2 * inset),
      height: Math.floor(place.height - 2 * inset),
    };
    const seen = () => page.screenshot({ clip, caret: 'initial' });
    await keyboard.press('Home');
    const without = await seen();
    await keyboard.press('End');
    const original = await seen();
    assert.ok(!original.equals(without), 'the digit is there and is not');
    // Through the middle of the box, to the pixel.
    const photo = await halves(page);
    await keyboard.press('Home');
    const removed = await halves(page);
    assert.ok(!removed.left.equals(photo.left) && !removed.right.equals(photo.right));
    for (let i = 0; i < MIDDLE; i += 1) await keyboard.press('ArrowRight');
    const middle = await halves(page);
    assert.ok(middle.left.equals(photo.left), 'left of it is the original');
    assert.ok(middle.right.equals(removed.right), 'right of it the digit is gone');
    await keyboard.press('b');
    assert.ok(without.equals(await seen()));
    await keyboard.down('o');
    assert.ok(original.equals(await seen()), 'it is the original');
    await keyboard.up('o');
    assert.equal(await page.getByTestId('divider').count(), 0);
    assert.ok(after.equals(await screenshot(page)), 'all is as it was');
    session.assertClean();
  });

  test('the divider is dragged, stays in sight, and boxes are drawn beside it', async (t) => {
    const session = await atWork(t);
    const { page } = session;
    const { mouse } = page;
    await page.getByTestId('before-after').click();
    const from = await knob(page);
    const photo = await page.locator('.photo').boundingBox();
    await mouse.move(from.x, from.y);
    await mouse.down();
    await mouse.move(from.x - 40, from.y, { steps: 3 });
    await mouse.move(photo.x + photo.width / 4, from.y - 30, { steps: 3 });
    await mouse.up();
    assert.equal(await now(page), 25);
    assert.equal((await boxes(page)).length, 1, 'no box was drawn');
    await mouse.move(from.x, from.y);
    assert.equal(await now(page), 25, 'let go of');
    await draw(page, { left: 400, top: 40, width: 60, height: 80 });
    assert.equal((await boxes(page)).length, 2);

    // Zoomed in far from it, it waits at the stage's edge.
    const stage = await page.getByTestId('stage').boundingBox();
    await mouse.move(stage.x + stage.width - 60, stage.y + 200);
    for (let i = 0; i < 5; i += 1) await mouse.wheel(0, -400);
    const { x } = await knob(page);
    assert.ok(x >= stage.x && x < stage.x + 60, `${x} at the left edge`);
    assert.ok((await now(page)) > 25);
    await page.keyboard.press('0');
    assert.equal(await now(page), 25, 'and is back where it was');
    await page.getByTestId('before-after').click();
    assert.equal(await page.getByTestId('divider').count(), 0);
    session.assertClean();
  });

  test('a finger drags it on a phone', async (t) => {
    const options = { viewport: { width: 390, height: 844 }, hasTouch: true };
    const session = await at.visit(t, options);
    const { page, context } = session;
    await openSample(page, 'door-606');
    await page.getByTestId('before-after').tap();
    const from = await knob(page);
    const photo = await page.locator('.photo').boundingBox();
    const client = await context.newCDPSession(page);
    const touch = (type, x) =>
      client.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: type === 'touchEnd' ? [] : [{ x, y: from.y }],
      });
    await touch('touchStart', from.x);
    const to = photo.x + photo.width * 0.8;
    for (const share of [0.3, 0.7, 1]) await touch('touchMove', from.x + (to - from.x) * share);
    await touch('touchEnd');
    await page.waitForFunction(
      () => document.querySelector('[data-testid=divider]').getAttribute('aria-valuenow') === '80',
    );
    assert.equal((await boxes(page)).length, 0);
    session.assertClean();
  });

  test('a large photo is drawn as finely as it is seen, and so is what was removed', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    const [width, height] = [2400, 1600];
    const bar = { left: 1190, top: 700, width: 30, height: 200 };
    const box = { left: 1150, top: 680, width: 110, height: 240 };
    const png = new PNG({ width, height });
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const dark = x >= bar.left && x < bar.left + bar.width && y >= bar.top && y < bar.top + bar.height;
        png.data.set(dark ? [30, 30, 40, 255] : [180 + (x >> 6), 180, 170, 255], 4 * (y * width + x));
      }
    }
    await choose(page, { name: 'large.png', mimeType: 'image/png', buffer: PNG.sync.write(png) });
    await photoShown(page, 'large.png');
    await drawAll(page, [box]);
    await engineReady(page);
    await settled(page);
    /** How large the canvas is, and how light the darkest of the bar's pixels are there. */
    const look = async () => {
      const shown = await shownPhoto(page);
      const scale = shown.width / width;
      let least = 255;
      for (let y = bar.top; y < bar.top + bar.height; y += 8) {
        for (let x = bar.left; x < bar.left + bar.width; x += 8) {
          const at = Math.floor(y * scale) * shown.width + Math.floor(x * scale);
          least = Math.min(least, shown.data[4 * at]);
        }
      }
      return { width: shown.width, least };
    };
    const reduced = await look();
    assert.equal(reduced.width, width / 2);
    assert.ok(reduced.least > 150, `gone: ${reduced.least}`);
    await page.keyboard.down('o');
    await page.locator('.stage.is-comparing').waitFor();
    assert.ok((await look()).least < 60, 'the original');
    await page.keyboard.up('o');
    await page.locator('.stage:not(.is-comparing)').waitFor();
    assert.deepEqual(await look(), reduced);

    // A box beside it that goes takes nothing of this one's away.
    await draw(page, { ...box, left: box.left + box.width + 3, width: 40 }, { shift: true });
    await settled(page);
    await page.keyboard.press('Delete');
    await settled(page);
    const { data } = await shownPhoto(page);
    await page.keyboard.press('b');
    await page.keyboard.press('Home');
    assert.ok((await shownPhoto(page)).data.equals(data), 'as if all were drawn again');
    await page.keyboard.press('b');

    const middle = await page.getByTestId('box').boundingBox();
    await page.mouse.move(middle.x + middle.width / 2, middle.y + middle.height / 2);
    for (let i = 0; i < 12; i += 1) {
      await page.mouse.wheel(0, -150);
      const [pixels, seen] = await page
        .locator('.stage .photo canvas')
        .evaluate((canvas) => [canvas.width, canvas.getBoundingClientRect().width]);
      assert.ok(pixels >= Math.min(width, Math.floor(seen)), `${pixels} pixels on ${seen}`);
    }
    await page.waitForFunction(
      (width) => document.querySelector('.stage .photo canvas').width === width,
      width,
    );
    assert.ok((await look()).least > 150, 'from near as well');
    const saved = decode((await save(page, ANSWER_MILLISECONDS)).png);
    assert.ok((await shownPhoto(page)).data.equals(saved.data), 'and as it is saved');
    session.assertClean();
  });

  test('original and result stand side by side, moved together', async (t) => {
    const session = await atWork(t);
    const { page } = session;
    const { mouse } = page;
    await page.getByTestId('before-after').click();
    await page.getByTestId('side-by-side').click();
    assert.equal(await page.getByTestId('divider').count(), 0, 'one of the two');
    assert.equal(await page.getByTestId('side-by-side').getAttribute('aria-pressed'), 'true');
    const original = await page.getByTestId('original-beside').boundingBox();
    const result = await page.getByTestId('stage').boundingBox();
    assert.ok(Math.abs(original.width - result.width) <= 1 && original.height === result.height);
    assert.ok(original.x + original.width <= result.x + 1, 'left of it');

    const transforms = () =>
      page.locator('.stage-frame .photo').evaluateAll((found) => found.map(({ style }) => style.transform));
    const same = async () => {
      const [a, b] = await transforms();
      assert.equal(a, b);
      return a;
    };
    const fitted = await same();
    const middle = [original.x + original.width / 2, original.y + original.height / 2];
    await mouse.move(...middle);
    await mouse.wheel(0, -300);
    await page.waitForFunction(
      (before) => document.querySelector('.stage .photo').style.transform !== before,
      fitted,
    );
    const zoomed = await same();
    await mouse.down();
    await mouse.move(middle[0] + 30, middle[1] + 20);
    await mouse.up();
    assert.notEqual(await same(), zoomed, 'panned by the original');
    assert.equal((await boxes(page)).length, 1, 'and nothing drawn on it');
    await page.keyboard.press('0');
    await draw(page, { left: 400, top: 40, width: 60, height: 80 });
    assert.equal((await boxes(page)).length, 2);

    // The digit is there, and it is not.
    await page.keyboard.press('Escape');
    await settled(page);
    await page.keyboard.press('0');
    const place = await page.getByTestId('box').first().boundingBox();
    const shot = async (x) => {
      const clip = {
        x: Math.ceil(x + 6),
        y: Math.ceil(place.y + 6),
        width: Math.floor(place.width - 12),
        height: Math.floor(place.height - 12),
      };
      return page.screenshot({ clip, caret: 'initial' });
    };
    const left = await shot(place.x - (result.x - original.x));
    assert.ok(!left.equals(await shot(place.x)));

    await page.keyboard.press('s');
    assert.equal(await page.getByTestId('original-beside').count(), 0);
    session.assertClean();
  });

  test('the halves are one below the other on a phone', async (t) => {
    const session = await atWork(t, { viewport: { width: 390, height: 844 } });
    const { page } = session;
    await page.getByTestId('side-by-side').click();
    const original = await page.getByTestId('original-beside').boundingBox();
    const result = await page.getByTestId('stage').boundingBox();
    assert.ok(original.y + original.height <= result.y + 1);
    assert.equal(original.width, result.width);
    session.assertClean();
  });

  test('the panel says how many pixels changed, as the saved file has it', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    const path = join(await scratchFolder(), 'grey.png');
    await writeFile(path, ODD_PICTURES['grey.png']);
    await choose(page, path);
    await photoShown(page, 'grey.png');
    assert.equal(await page.getByTestId('changed').count(), 0);
    await drawAll(page, [STROKE_BOX]);
    await settled(page);
    const line = page.getByTestId('changed');
    const said = Number(/^([\d.]+)\s% of the photo’s pixels changed\.$/.exec(await line.innerText())[1]);
    const before = decode(ODD_PICTURES['grey.png']);
    const after = decode((await save(page, ANSWER_MILLISECONDS)).png);
    let changed = 0;
    for (let i = 0; i < before.data.length; i += 4) {
      if (Math.abs(before.data[i] - after.data[i]) > 4) changed += 1;
    }
    const share = (changed * 100) / (SIZE.width * SIZE.height);
    assert.ok(share > 1, `${share} %`);
    assert.ok(Math.abs(said - share) <= share * 0.05, `${said} % said, ${share} % counted`);
    await page.getByTestId('box').first().focus();
    await page.keyboard.press('r');
    await settled(page);
    assert.equal(await line.count(), 0, 'nothing is removed any more');
    session.assertClean();
  });
});
