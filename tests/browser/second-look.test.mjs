// A box round a whole number, and what the page says of a removal once it was looked at again.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { png } from './support/oddfiles.mjs';
import { boxesOf, openSample } from './support/samples.mjs';
import { LIMIT_MILLISECONDS, engineReady, settled, withPageServed } from './support/session.mjs';
import { areaOf, boxes, choose, draw, drawAll, houseNumber, photoShown } from './support/stage.mjs';

/** A wall without a digit. */
const WALL = {
  name: 'wall.png',
  mimeType: 'image/png',
  buffer: png({
    width: 200,
    height: 160,
    sample: (x, y) => [150 + (x >> 4), 140 + (y >> 4), 130],
  }),
};
const ON_WALL = { left: 80, top: 50, width: 36, height: 60 };

/** The box round several, with some room. */
function around(areas) {
  const left = Math.min(...areas.map((area) => area.left));
  const top = Math.min(...areas.map((area) => area.top));
  const right = Math.max(...areas.map((area) => area.left + area.width));
  const bottom = Math.max(...areas.map((area) => area.top + area.height));
  const room = Math.round((bottom - top) / 12);
  return {
    left: left - room,
    top: top - room,
    width: right - left + 2 * room,
    height: bottom - top + 2 * room,
  };
}

describe('a second look', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  test('a box round a whole number is read digit by digit', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    await openSample(page, 'enamel-143');
    await drawAll(page, [around(boxesOf('enamel-143'))]);
    await settled(page);
    const [box] = await boxes(page);
    assert.equal(box.digit, 143);
    assert.ok(box.confidence > 0.5, `as sure as its digits together: ${box.confidence}`);
    assert.equal(await houseNumber(page), '143');
    assert.match(await page.getByTestId('box-reading').innerText(), /^143\s+>?\d+\s%$/);
    await page.getByTestId('digit-place').nth(2).waitFor();
    assert.equal(await page.getByTestId('label').getAttribute('placeholder'), '143');
    assert.match(await page.getByTestId('timing').innerText(), /read 3 digits/);

    // What a person says it is holds for the box as a whole.
    await page.getByTestId('label').fill('7');
    assert.equal(await houseNumber(page), '7');
    assert.equal(await page.getByTestId('digit-place').count(), 0);
    session.assertClean();
  });

  test('a removal that leaves nothing says so', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    await openSample(page, 'enamel-143');
    const checked = page.getByTestId('checked');
    assert.equal(await checked.innerText(), '');
    await drawAll(page, boxesOf('enamel-143'));
    await settled(page);
    assert.equal(await checked.innerText(), 'Checked: nothing left to read');
    assert.equal(await checked.getAttribute('role'), 'status');
    assert.equal(await page.getByTestId('warning').count(), 0);

    // It is about the boxes as they lie: not while one is being dragged, and again when it is let go.
    await page.keyboard.press('ArrowRight');
    assert.equal(await checked.innerText(), '');
    await settled(page);
    assert.equal(await checked.innerText(), 'Checked: nothing left to read');
    session.assertClean();
  });

  test('a box without strokes is told, and made larger by keys', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    await choose(page, WALL);
    await photoShown(page, 'wall.png');
    await draw(page, ON_WALL);
    await settled(page);
    const warning = page.getByTestId('warning');
    await warning.waitFor();
    assert.match(await warning.innerText(), /Nothing was removed: no digit found here/);
    assert.equal(
      await page.getByTestId('checked').innerText(),
      'Check 1 digit',
    );
    assert.match(await page.getByTestId('box').getAttribute('class'), /needs-look/);
    assert.match(await page.getByTestId('box').getAttribute('aria-label'), /Nothing was removed/);

    await page.getByTestId('widen').focus();
    await page.keyboard.press('Enter');
    const larger = { left: 74, top: 44, width: 48, height: 72 };
    assert.deepEqual((await boxes(page)).map(areaOf), [larger]);
    const focused = () => page.evaluate(() => document.activeElement?.dataset.testid);
    assert.equal(await focused(), 'box');
    await settled(page);
    assert.match(await warning.innerText(), /Nothing was removed/, 'looked at again');
    await page.keyboard.press('Control+z');
    assert.deepEqual((await boxes(page)).map(areaOf), [ON_WALL]);
    session.assertClean();
  });
});
