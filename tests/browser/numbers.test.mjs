// House numbers: which boxes stand together in the list, and what is done with all of them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { FIRST, SECOND, sample } from './support/samples.mjs';
import {
  LIMIT_MILLISECONDS,
  engineReady,
  openSession,
  settled,
  withPageServed,
} from './support/session.mjs';
import { boxes, choose, draw, drawAll, houseNumber, photoShown } from './support/stage.mjs';

/** Two boxes below each other, away from the number. */
const UPPER = { left: 30, top: 300, width: 30, height: 40 };
const LOWER = { left: 32, top: 345, width: 28, height: 38 };

describe('house numbers', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  test('have a heading that tells, selects, keeps and removes', async (t) => {
    const session = await openSession(t, at.browser, at.server.origin);
    const { page } = session;
    await session.goto('?engine=cpu');
    await engineReady(page);
    await choose(page, sample('door-606'));
    await photoShown(page, 'door-606.jpg');
    await drawAll(page, [LOWER, SECOND, FIRST]);
    await settled(page);
    const headings = page.getByTestId('number');
    assert.equal(await headings.count(), 2);
    const first = headings.first();
    assert.equal(await first.getAttribute('data-number'), '66');
    assert.match(await first.innerText(), /66[^]*\d\s%/, 'with its confidence');
    assert.match(await houseNumber(page), /^66 \d$/);
    assert.match(
      await page.locator('[role=status].visually-hidden').innerText(),
      /^House number 6 6, \d+ percent; House number \d( unsure)?, \d+ percent\.$/,
    );

    // One above another is one number, and it follows what is corrected.
    await draw(page, UPPER);
    await settled(page);
    assert.equal(await headings.count(), 2);
    await page.getByTestId('label').nth(2).fill('1');
    await page.getByTestId('label').nth(3).fill('2');
    assert.equal(await houseNumber(page), '66 12');

    const removed = async () => (await boxes(page)).filter(({ remove }) => remove).length;
    const toggle = page.getByRole('switch', { name: 'Remove house number 66' });
    assert.equal(await toggle.getAttribute('aria-checked'), 'true');
    await toggle.click();
    assert.equal(await removed(), 2);
    assert.equal(await toggle.getAttribute('aria-checked'), 'false');
    await page.keyboard.press('Control+z');
    assert.equal(await removed(), 4, 'one step');

    await page.getByRole('button', { name: 'Select house number 66' }).focus();
    await page.keyboard.press('Enter');
    const selected = '.box.is-selected, .box.is-selected-too';
    const ids = () =>
      page.locator(selected).evaluateAll((found) => found.map(({ dataset }) => dataset.boxId).sort());
    assert.deepEqual(await ids(), ['2', '3']);
    await page.keyboard.press('Delete');
    assert.equal(await houseNumber(page), '12');
    session.assertClean();
  });
});
