// Editing boxes with pointer and keys, and what the photo shows meanwhile.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { difference } from './support/pixels.mjs';
import { FIRST, SECOND, openSample } from './support/samples.mjs';
import { LIMIT_MILLISECONDS, engineReady, settled, withPageServed } from './support/session.mjs';
import {
  areaOf,
  boxes,
  draw,
  drawAll,
  houseNumber,
  screenshot,
  shownPhoto,
} from './support/stage.mjs';


const areas = async (page) => (await boxes(page)).map(areaOf);
const moved = (area, dx, dy) => ({ ...area, left: area.left + dx, top: area.top + dy });

describe('editing', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  /** The page with a sample photo, and these boxes on it. */
  async function atWork(t, drawn, options) {
    const session = await at.visit(t, options);
    const { page } = session;
    await openSample(page, 'door-606');
    await drawAll(page, drawn);
    return session;
  }

  test('keys undo, redo, delete, nudge, stretch and duplicate', async (t) => {
    const session = await atWork(t, [FIRST, SECOND]);
    const { page, context } = session;
    const { keyboard } = page;
    assert.deepEqual(await areas(page), [FIRST, SECOND]);

    await keyboard.press('Control+z');
    assert.deepEqual(await areas(page), [FIRST]);
    await keyboard.press('Control+z');
    assert.deepEqual(await areas(page), []);
    assert.ok(await page.getByTestId('undo').isDisabled());
    await keyboard.press('Control+Shift+z');
    await keyboard.press('Control+y');
    assert.deepEqual(await areas(page), [FIRST, SECOND]);
    assert.ok(await page.getByTestId('redo').isDisabled());

    await page.getByTestId('box').nth(1).focus();
    await keyboard.press('ArrowRight');
    await keyboard.press('Shift+ArrowDown');
    assert.deepEqual(await areas(page), [FIRST, moved(SECOND, 1, 10)]);
    await keyboard.press('Control+ArrowRight');
    const wider = { ...moved(SECOND, 1, 10), width: SECOND.width + 1 };
    assert.deepEqual(await areas(page), [FIRST, wider]);
    await keyboard.press('Delete');
    assert.deepEqual(await areas(page), [FIRST]);
    await keyboard.press('Control+z');
    assert.deepEqual(await areas(page), [FIRST, wider]);
    await page.getByTestId('undo').click();
    await page.getByTestId('undo').click();
    assert.deepEqual(await areas(page), [FIRST, SECOND]);

    await page.getByTestId('box').first().focus();
    await keyboard.press('Control+d');
    assert.equal((await areas(page)).length, 3);
    assert.equal(context.pages().length, 1);
    session.assertClean();
  });

  test('Tab goes from box to box', async (t) => {
    const session = await atWork(t, [FIRST, SECOND]);
    const { page } = session;
    await page.keyboard.press('Escape');
    const focused = () => page.evaluate(() => document.activeElement?.dataset.boxId);
    assert.equal(await focused(), undefined);
    await page.getByRole('button', { name: 'Zoom in' }).focus();
    await page.keyboard.press('Tab');
    assert.equal(await focused(), '1');
    assert.equal(await page.locator('.box.is-selected').getAttribute('data-box-id'), '1');
    await page.keyboard.press('Tab');
    assert.equal(await focused(), '2');
    assert.equal(await page.locator('.box.is-selected').getAttribute('data-box-id'), '2');
    session.assertClean();
  });

  test('a pointer clicks, moves and resizes', async (t) => {
    const session = await atWork(t, [FIRST]);
    const { page } = session;
    const { mouse } = page;
    const stage = await page.getByTestId('stage').boundingBox();
    await mouse.click(stage.x + 30, stage.y + stage.height / 2);
    await mouse.click(stage.x + stage.width / 2, stage.y + 30);
    assert.deepEqual(await areas(page), [FIRST], 'a click is no box');
    assert.equal(await page.locator('.box.is-selected').count(), 0, 'and lets go of the box');

    const place = await page.getByTestId('box').boundingBox();
    const middle = { x: place.x + place.width / 2, y: place.y + place.height / 2 };
    await mouse.click(middle.x, middle.y);
    assert.equal(await page.locator('.box.is-selected').count(), 1);
    await mouse.move(middle.x, middle.y);
    await mouse.down();
    await mouse.move(middle.x + 30, middle.y + 20);
    await mouse.move(middle.x + 60, middle.y + 40);
    await mouse.up();
    const [shifted] = await areas(page);
    assert.ok(shifted.left > FIRST.left && shifted.top > FIRST.top);
    assert.deepEqual([shifted.width, shifted.height], [FIRST.width, FIRST.height]);

    const handle = await page.locator('.box.is-selected [data-handle=nw]').boundingBox();
    await mouse.move(handle.x + handle.width / 2, handle.y + handle.height / 2);
    await mouse.down();
    await mouse.move(handle.x - 20, handle.y - 10);
    await mouse.up();
    const [larger] = await areas(page);
    assert.ok(larger.width > FIRST.width && larger.height > FIRST.height);
    assert.equal(larger.left + larger.width, shifted.left + shifted.width);
    session.assertClean();
  });

  test('boxes over the edge are clamped, boxes without size are none', async (t) => {
    const session = await atWork(t, []);
    const { page } = session;
    const { mouse } = page;
    const photo = await page.locator('.stage .photo').boundingBox();
    await mouse.move(photo.x + photo.width - 40, photo.y + photo.height - 60);
    await mouse.down();
    await mouse.move(photo.x + photo.width + 200, photo.y + photo.height + 200, { steps: 3 });
    await mouse.up();
    const [clamped] = await areas(page);
    assert.equal(clamped.left + clamped.width, 600);
    assert.equal(clamped.top + clamped.height, 450);
    await mouse.move(photo.x + 60, photo.y + 60);
    await mouse.down();
    await mouse.move(photo.x + 160, photo.y + 160);
    await mouse.move(photo.x + 60, photo.y + 60);
    await mouse.up();
    assert.deepEqual(await areas(page), [clamped]);
    await engineReady(page);
    await settled(page);
    assert.match(await houseNumber(page), /^\d$/);
    session.assertClean();
  });

  test('the switch keeps a digit, comparing shows the original', async (t) => {
    const session = await atWork(t, [FIRST, SECOND]);
    const { page } = session;
    await engineReady(page);
    const original = await (async () => {
      await page.keyboard.down('o');
      await page.locator('.stage.is-comparing').waitFor();
      const shown = await shownPhoto(page);
      assert.equal(await page.getByTestId('compare').getAttribute('aria-pressed'), 'true');
      return shown;
    })();
    await settled(page);
    const compared = await screenshot(page);
    await page.keyboard.up('o');
    const without = await shownPhoto(page);
    assert.ok(!compared.equals(await screenshot(page)), 'the stage looks different');
    for (const area of [FIRST, SECOND]) {
      assert.ok(difference(original, without, [area]).changed > 0.05, 'the digit is gone');
    }

    const [one, two] = await Promise.all(
      [1, 2].map((id) => page.locator(`[data-testid=box][data-box-id="${id}"]`)),
    );
    await one.getByTestId('box-remove').click();
    assert.equal(await one.getAttribute('data-remove'), 'false');
    assert.equal(await one.getByTestId('box-remove').getAttribute('aria-checked'), 'false');
    await settled(page);
    const kept = await shownPhoto(page);
    assert.equal(difference(original, kept, [FIRST]).within, 0, 'its original is back');
    assert.ok(difference(original, kept, [SECOND]).changed > 0.05, 'the other is still gone');

    await two.focus();
    await page.keyboard.press('r');
    await settled(page);
    assert.equal(difference(original, await shownPhoto(page), [SECOND]).within, 0);
    assert.ok(await page.getByTestId('save').isDisabled(), 'nothing is left to remove');
    await page.keyboard.press('Control+z');
    await settled(page);
    assert.ok(difference(original, await shownPhoto(page), [SECOND]).changed > 0.05);

    const button = await page.getByTestId('compare').boundingBox();
    await page.mouse.move(button.x + 8, button.y + 8);
    await page.mouse.down();
    await page.locator('.stage.is-comparing').waitFor();
    await page.mouse.up();
    await page.locator('.stage:not(.is-comparing)').waitFor();
    session.assertClean();
  });

  test('several boxes are selected, moved, copied, pasted and deleted together', async (t) => {
    const session = await atWork(t, [FIRST, SECOND]);
    const { page } = session;
    const { keyboard } = page;
    await keyboard.press('Escape');
    const middle = async (i) => {
      const { x, y, width, height } = await page.getByTestId('box').nth(i).boundingBox();
      return [x + width / 2, y + height / 2];
    };
    await page.mouse.click(...(await middle(0)));
    await keyboard.down('Control');
    await page.mouse.click(...(await middle(1)));
    await keyboard.up('Control');
    await keyboard.press('Shift+ArrowDown');
    assert.deepEqual(await areas(page), [moved(FIRST, 0, 10), moved(SECOND, 0, 10)]);
    await keyboard.press('Control+z');
    await keyboard.press('r');
    const kept = async () => (await boxes(page)).map(({ remove }) => remove);
    assert.deepEqual(await kept(), [false, false]);
    await keyboard.press('r');

    const [x, y] = await middle(0);
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x, y + 30);
    await page.mouse.move(x, y + 60);
    await page.mouse.up();
    const down = await areas(page);
    const by = down[0].top - FIRST.top;
    assert.ok(by > 10, `both moved by ${by}`);
    assert.deepEqual(down, [moved(FIRST, 0, by), moved(SECOND, 0, by)]);

    await keyboard.press('Control+a');
    const select = (selected) =>
      page.evaluate((selected) => {
        const selection = getSelection();
        if (selected) selection.selectAllChildren(document.querySelector('.number-note'));
        else selection.removeAllRanges();
      }, selected);
    await select(true);
    await keyboard.press('Control+x');
    assert.deepEqual(await areas(page), down, 'selected text is what the keys are about');
    await select(false);
    await keyboard.press('Control+x');
    assert.deepEqual(await areas(page), []);
    await keyboard.press('Control+v');
    assert.deepEqual(await areas(page), down);
    await keyboard.press('Control+v');
    assert.equal((await areas(page)).length, 4, 'a little off');
    await keyboard.press('Delete');
    assert.deepEqual(await areas(page), down);
    session.assertClean();
  });

  test('a reading is corrected by typing the digit', async (t) => {
    const session = await atWork(t, [FIRST, SECOND]);
    const { page } = session;
    await engineReady(page);
    await settled(page);
    assert.equal(await houseNumber(page), '66');
    await page.getByTestId('box').first().focus();
    await page.keyboard.press('e');
    await page.keyboard.press('8');
    assert.equal(await houseNumber(page), '86');
    assert.equal(await page.getByTestId('box').first().getAttribute('data-digit'), '8');
    await page.keyboard.press('5');
    assert.equal(await houseNumber(page), '56', 'typed over');
    await page.keyboard.press('x');
    await page.keyboard.press('Enter');
    assert.equal(await houseNumber(page), '56', 'no digit, no change');
    await page.keyboard.press('Control+z');
    await page.keyboard.press('Control+z');
    assert.equal(await houseNumber(page), '66', 'as read');
    session.assertClean();
  });

  test('the removal follows a box while it is dragged', async (t) => {
    const session = await atWork(t, [FIRST]);
    const { page } = session;
    await engineReady(page);
    await page.keyboard.down('o');
    await page.locator('.stage.is-comparing').waitFor();
    const original = await shownPhoto(page);
    await page.keyboard.up('o');
    await settled(page);

    // From the first digit to the second, and not let go there.
    const box = await page.getByTestId('box').boundingBox();
    const scale = box.width / FIRST.width;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const [dx, dy] = [SECOND.left - FIRST.left, SECOND.top - FIRST.top];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + (dx * scale) / 2, y);
    await page.mouse.move(x + dx * scale, y + dy * scale);
    await settled(page);
    const [held] = await areas(page);
    assert.ok(Math.abs(held.left - SECOND.left) <= 1, 'the box is on the second digit');
    const shown = await shownPhoto(page);
    assert.ok(difference(original, shown, [held]).changed > 0.05, 'the second digit is gone');
    assert.equal(difference(original, shown, [FIRST]).within, 0, 'the first one is back');
    await page.keyboard.press('Escape');
    await settled(page);
    assert.deepEqual(await areas(page), [FIRST]);
    assert.ok(difference(original, await shownPhoto(page), [FIRST]).changed > 0.05);
    await page.mouse.up();
    session.assertClean();
  });

  for (const [percent, viewport] of [
    [50, { width: 2560, height: 1600 }],
    [300, { width: 427, height: 267 }],
  ]) {
    test(`boxes land where they are drawn with the browser's zoom at ${percent} %`, async (t) => {
      // A window of 1280 x 800 pixels, as the page sees it then.
      const options = { viewport, deviceScaleFactor: percent / 100 };
      const session = await atWork(t, [FIRST, SECOND], options);
      const { page } = session;
      assert.deepEqual(await areas(page), [FIRST, SECOND]);
      await engineReady(page);
      await settled(page);
      const before = await shownPhoto(page);
      await page.keyboard.press('Control+a');
      await page.keyboard.press('Delete');
      const change = difference(before, await shownPhoto(page), [FIRST, SECOND]);
      assert.ok(change.changed > 0.05, `the digits had gone: ${JSON.stringify(change)}`);
      assert.ok(change.outside <= 2, `and nothing else: ${JSON.stringify(change)}`);
      session.assertClean();
    });
  }

  test('two hundred boxes are read and removed', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await openSample(page, 'brick-27');
    // Ten rows of twenty, each copied to the right from its first box.
    for (let row = 0; row < 10; row += 1) {
      await draw(page, { left: 10, top: 10 + 40 * row, width: 30, height: 24 }, { shift: true });
      for (let copies = 1; copies < 20; copies += 1) await page.keyboard.press('Control+d');
    }
    const shown = await areas(page);
    assert.equal(shown.length, 200);
    assert.deepEqual(shown[199], { left: 580, top: 370, width: 30, height: 24 });
    await engineReady(page);
    await settled(page);
    assert.match(await houseNumber(page), /^(\d{20,} ){9}\d{20,}$/, 'ten rows, some boxes with several digits');
    t.diagnostic(await page.getByTestId('timing').innerText());
    session.assertClean();
  });

  test('Ctrl+C copies selected text, although a box is selected, and else the box', async (t) => {
    const permissions = ['clipboard-read', 'clipboard-write'];
    const session = await atWork(t, [FIRST, SECOND], { permissions });
    const { page } = session;
    await page.getByTestId('box').first().focus();
    assert.equal(await page.locator('.box.is-selected').count(), 1);
    const text = await page.evaluate(() => {
      getSelection().selectAllChildren(document.querySelector('.number-note'));
      return getSelection().toString();
    });
    assert.match(text, /\w/);
    await page.keyboard.press('Control+c');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
    await page.evaluate(() => getSelection().removeAllRanges());
    await page.keyboard.press('Control+v');
    assert.deepEqual(await areas(page), [FIRST, SECOND], 'no box was copied');

    await page.getByTestId('box').first().focus();
    await page.keyboard.press('Control+c');
    await page.keyboard.press('Control+v');
    assert.equal((await areas(page)).length, 3);
    session.assertClean();
  });
});
