// Boxes under a hand: drawn beside each other with a mouse and with a finger, made without either,
// and grown for the removal.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PNG } from 'pngjs';

import { obstacle } from './support/env.mjs';
import { eraseNatively, scratchFolder } from './support/native.mjs';
import { decode, difference } from './support/pixels.mjs';
import { FIRST, SECOND, boxesOf, openSample, sample } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  LIMIT_MILLISECONDS,
  engineReady,
  settled,
  until,
  withPageServed,
} from './support/session.mjs';
import { areaOf, boxes, choose, draw, drawAll, photoShown, save, view } from './support/stage.mjs';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };
const WIDTH = 1024;
const HEIGHT = 768;

/**
 * Places of forty digits: ten numbers of four, from 40 to 110 px tall, 2 or 3 px between two, and in
 * every third number with a sixth of their width in common.
 */
const PLACES = Array.from({ length: 10 }, (_, number) => {
  const height = 40 + 7 * number + (number % 2);
  const width = Math.round(0.55 * height);
  const [left, top] = [number % 2 ? 560 : 60, 30 + 145 * Math.floor(number / 2)];
  const gap = number % 3 === 2 ? -Math.round(width / 6) : 2 + (number % 2);
  return Array.from({ length: 4 }, (_, digit) => ({
    left: left + digit * (width + gap),
    top: top + digit,
    width,
    height,
  }));
}).flat();

/** A photo with a dark block at each of these places. */
function photoOf(places) {
  const png = new PNG({ width: WIDTH, height: HEIGHT });
  png.data.fill(200);
  for (const { left, top, width, height } of places) {
    for (let y = top; y < top + height; y += 1) {
      png.data.fill(40, (y * WIDTH + left) * 4, (y * WIDTH + left + width) * 4);
    }
  }
  for (let at = 3; at < png.data.length; at += 4) png.data[at] = 255;
  return { name: 'forty.png', mimeType: 'image/png', buffer: PNG.sync.write(png) };
}

/** What a hand does: pointers by name that go down, along a way, and up. */
function mouseOf({ page }) {
  const { mouse } = page;
  return async ([from, ...way]) => {
    await mouse.move(from.x, from.y);
    await mouse.down();
    for (const { x, y } of way) await mouse.move(x, y);
    await mouse.up();
  };
}

async function fingersOf({ page, context }) {
  const client = await context.newCDPSession(page);
  const touch = (type, points) =>
    client.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: points.map((point, id) => ({ ...point, id })),
    });
  /** One finger on its way, or two side by side. */
  return async (...ways) => {
    await touch('touchStart', ways.slice(0, 1).map(([from]) => from));
    if (ways.length > 1) await touch('touchStart', ways.map(([from]) => from));
    for (let step = 1; step < ways[0].length; step += 1) {
      await touch('touchMove', ways.map((way) => way[step]));
    }
    await touch('touchEnd', []);
  };
}

/** From one corner of a place to the one across, as it is on the screen. */
function wayAcross(seen, { left, top, width, height }, corner) {
  const across = [left, left + width].map((x) => seen.left + x * seen.zoom);
  const down = [top, top + height].map((y) => seen.top + y * seen.zoom);
  const [fromRight, fromBelow] = [corner & 1, corner >> 1];
  const at = (share) => ({
    x: across[fromRight] + (across[1 - fromRight] - across[fromRight]) * share,
    y: down[fromBelow] + (down[1 - fromBelow] - down[fromBelow]) * share,
  });
  return [0, 0.3, 0.7, 1].map(at);
}

const middleOf = async (locator) => {
  const { x, y, width, height } = await locator.boundingBox();
  return { x: x + width / 2, y: y + height / 2 };
};

const onStage = (page) => page.evaluate(() => document.activeElement?.dataset.testid === 'stage');

describe('under a hand', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  for (const { name, options, handOf } of [
    { name: 'a mouse', options: {}, handOf: mouseOf },
    { name: 'a finger', options: PHONE, handOf: fingersOf },
  ]) {
    test(`forty boxes are drawn side by side with ${name}`, async (t) => {
      const session = await at.visit(t, options);
      const { page } = session;
      await choose(page, photoOf(PLACES));
      await photoShown(page, 'forty.png');
      await page.getByTestId('stage').scrollIntoViewIfNeeded();
      const hand = await handOf(session);
      const seen = await view(page);
      // From each corner in turn, a number at a time; from its right end with those on the right.
      const order = [];
      for (let number = 0; number < 10; number += 1) {
        const corner = number % 4;
        const places = PLACES.slice(4 * number, 4 * number + 4);
        if (corner & 1) places.reverse();
        for (const place of places) await hand(wayAcross(seen, place, corner));
        order.push(...places);
      }
      const drawn = (await boxes(page)).map(areaOf);
      assert.equal(drawn.length, 40);
      // A finger's place is told in whole pixels of the screen.
      const slack = Math.ceil(1 / seen.zoom);
      for (const [index, place] of order.entries()) {
        const ends = ({ left, top, width, height }) => [left, top, left + width, top + height];
        const [is, wanted] = [ends(drawn[index]), ends(place)];
        const off = Math.max(...is.map((end, side) => Math.abs(end - wanted[side])));
        assert.ok(off <= slack, `box ${index + 1}: ${is} instead of ${wanted}`);
      }
      assert.equal((await view(page)).zoom, seen.zoom);
      session.assertClean();
    });
  }

  test('a finger finds handles in a box that it tapped, and none at a fresh one', async (t) => {
    const session = await at.visit(t, PHONE);
    const { page } = session;
    await openSample(page, 'door-606');
    await page.getByTestId('stage').scrollIntoViewIfNeeded();
    const hand = await fingersOf(session);
    const seen = await view(page);
    const place = { left: 150, top: 100, width: 200, height: 250 };
    await hand(wayAcross(seen, place, 0));
    const handles = page.locator('.box.is-selected .handle');
    assert.equal(await handles.count(), 0);
    const box = page.getByTestId('box');
    await hand([await middleOf(box)]);
    assert.ok((await handles.count()) >= 4);
    const [whole, handle] = await Promise.all([
      box.boundingBox(),
      page.locator('[data-handle=se]').boundingBox(),
    ]);
    assert.ok(handle.width >= 24 && handle.height >= 24, JSON.stringify(handle));
    assert.ok(handle.x + handle.width <= whole.x + whole.width + 1, 'it lies inside');
    const from = await middleOf(page.locator('[data-handle=se]'));
    await hand([from, { x: from.x + 20, y: from.y + 10 }, { x: from.x + 30, y: from.y + 20 }]);
    const [larger] = await boxes(page);
    assert.ok(larger.width > place.width + 20 && larger.height > place.height + 15);
    // A drag inside the box moves it, one beside it draws.
    const middle = await middleOf(box);
    await hand([middle, { x: middle.x - 15, y: middle.y }, { x: middle.x - 30, y: middle.y }]);
    assert.ok((await boxes(page))[0].left < larger.left - 20);
    await hand(wayAcross(seen, { left: 430, top: 100, width: 80, height: 120 }, 0));
    assert.equal((await boxes(page)).length, 2);
    session.assertClean();
  });

  test('two fingers zoom, on a label too, and one that begins there draws', async (t) => {
    const session = await at.visit(t, PHONE);
    const { page } = session;
    await openSample(page, 'door-606');
    await page.getByTestId('stage').scrollIntoViewIfNeeded();
    const hand = await fingersOf(session);
    await hand(wayAcross(await view(page), { left: 250, top: 120, width: 80, height: 130 }, 0));
    const label = await middleOf(page.locator('.label-reading'));
    const { zoom } = await view(page);
    const spread = (by) => [
      { x: label.x - by, y: label.y },
      { x: label.x + 40 + by, y: label.y },
    ];
    const [one, other] = [0, 20, 40].map(spread).reduce(
      ([ones, others], [one, other]) => [[...ones, one], [...others, other]],
      [[], []],
    );
    await hand(one, other);
    assert.ok((await view(page)).zoom > 1.5 * zoom, 'zoomed');
    assert.equal((await boxes(page)).length, 1, 'and drew nothing');
    await page.keyboard.press('0');
    const { x, y } = await middleOf(page.locator('.label-reading'));
    await hand([{ x, y }, { x: x + 30, y: y + 20 }, { x: x + 50, y: y + 40 }]);
    assert.equal((await boxes(page)).length, 2);
    session.assertClean();
  });

  test('a label is clicked, and a drag that begins there draws', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await openSample(page, 'door-606');
    await drawAll(page, [FIRST, SECOND]);
    const first = page.getByTestId('box').first();
    await first.locator('.label-reading').click();
    assert.match(await first.getAttribute('class'), /is-selected/);
    await page.getByTestId('box').last().getByTestId('box-remove').click();
    assert.deepEqual((await boxes(page)).map(({ remove }) => remove), [true, false]);
    assert.match(await first.getAttribute('class'), /is-selected/, 'the switch selects nothing');
    const { x, y } = await middleOf(first.getByTestId('box-remove'));
    await mouseOf(session)([{ x, y }, { x: x + 20, y: y + 30 }, { x: x + 40, y: y + 60 }]);
    assert.deepEqual((await boxes(page)).map(({ remove }) => remove), [true, false, true]);
    session.assertClean();
  });

  test('Space and a drag pan, whatever has the focus', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await openSample(page, 'door-606');
    await draw(page, FIRST);
    const hand = mouseOf(session);
    const { x, y } = await middleOf(page.getByTestId('stage'));
    for (const take of [
      () => page.getByRole('button', { name: 'Zoom in' }).click(),
      () => page.getByTestId('label').focus(),
      () => page.getByTestId('box').focus(),
      () => page.getByTestId('growth').focus(),
    ]) {
      await take();
      const before = await view(page);
      await page.keyboard.down(' ');
      await hand([{ x, y }, { x: x + 30, y: y + 10 }, { x: x + 60, y: y + 20 }]);
      await page.keyboard.up(' ');
      const after = await view(page);
      assert.equal(after.zoom, before.zoom, 'no control is worked by the key');
      assert.ok(Math.abs(after.left - before.left - 60) < 2, `${before.left} to ${after.left}`);
      assert.equal((await boxes(page)).length, 1);
    }
    // Without a drag the key is the control's.
    await page.getByRole('button', { name: 'Zoom in' }).focus();
    const { zoom } = await view(page);
    await page.keyboard.press(' ');
    assert.ok((await view(page)).zoom > zoom);
    session.assertClean();
  });

  test('boxes are made and placed by keys alone', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    const { keyboard } = page;
    await openSample(page, 'door-606');
    await until('the stage has the focus', () => onStage(page));
    await keyboard.press('Enter');
    const [first] = await boxes(page);
    assert.ok(Math.abs(first.left + first.width / 2 - 300) <= 1, 'in the middle of 600 x 450');
    assert.ok(Math.abs(first.top + first.height / 2 - 225) <= 1);
    await keyboard.press('Shift+ArrowLeft');
    await keyboard.press('Control+ArrowDown');
    const [moved] = (await boxes(page)).map(areaOf);
    const { left, top, width, height } = first;
    assert.deepEqual(moved, { left: left - 10, top, width, height: height + 1 });
    await keyboard.press('n');
    assert.equal((await boxes(page)).length, 2);
    assert.equal(await page.locator('.box.is-selected').getAttribute('data-box-id'), '2');
    await keyboard.press('Escape');
    assert.ok(await onStage(page), 'from where Enter makes the next');
    await keyboard.press('Control+z');
    await keyboard.press('Enter');
    assert.equal((await boxes(page)).length, 2);
    session.assertClean();
  });

  test('a sliver is told and is no box', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await openSample(page, 'door-606');
    const seen = await view(page);
    const corner = (x, y) => ({ x: seen.left + x * seen.zoom, y: seen.top + y * seen.zoom });
    const [from, to] = [corner(100, 100), corner(301, 103)];
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(to.x, to.y, { steps: 3 });
    assert.match(await page.locator('.draft-size').innerText(), /201 × \d: too thin/);
    await page.mouse.up();
    assert.deepEqual(await boxes(page), []);
    session.assertClean();
  });

  test('a box without a digit is said to have none', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await openSample(page, 'tiles-52');
    await drawAll(page, [boxesOf('tiles-52')[0], { left: 40, top: 40, width: 40, height: 60 }]);
    await engineReady(page);
    await settled(page);
    const [digit, none] = await page.getByTestId('box').all();
    assert.match(await digit.getAttribute('aria-label'), /reads 5, /);
    assert.match(await none.getAttribute('aria-label'), /probably no digit/);
    assert.match(await none.locator('.label-reading b').innerText(), /^–\?$/);
    assert.equal(await page.locator('.row.is-unsure').count(), 1);
    assert.match(await page.locator('.row.is-unsure').innerText(), /unsure/);
    assert.match(await page.locator('.number-note').innerText(), /1 box is unsure, below 70\s%/);
    session.assertClean();
  });

  test('the page grows boxes as the command line does', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    const areas = boxesOf('enamel-143').slice(0, 2);
    await openSample(page, 'enamel-143');
    await drawAll(page, areas);
    const growth = page.getByTestId('growth');
    const grown = page.locator('.grown:not(.is-hidden)');
    assert.equal(await growth.inputValue(), '10');
    assert.equal(await grown.count(), 2);
    await engineReady(page);
    for (const percent of ['25', '0']) {
      await growth.fill(percent);
      const rims = percent === '0' ? 0 : 2;
      await until('the rims follow', async () => (await grown.count()) === rims);
      const { png } = await save(page, ANSWER_MILLISECONDS);
      const native = await eraseNatively(
        await scratchFolder(),
        sample('enamel-143'),
        areas,
        undefined,
        ['--grow', percent],
      );
      const { within, near, outside } = difference(decode(png), decode(native.png), areas);
      assert.ok(within <= 2 && near <= 2 && outside <= 2, `${percent}: ${[within, near, outside]}`);
    }
    await page.keyboard.press('Control+z');
    assert.equal(await growth.inputValue(), '25', 'undone like the rest');
    await settled(page);
    await until('the work is kept', async () => {
      await page.reload();
      await photoShown(page, 'enamel-143.jpg');
      return (await growth.inputValue()) === '25';
    });
    session.assertClean();
  });
});
