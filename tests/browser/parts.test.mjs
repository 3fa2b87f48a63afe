// Parts of the page that are fetched when they are first needed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { LIMIT_MILLISECONDS, PAGE_MILLISECONDS, message, withPageServed } from './support/session.mjs';

const partsIn = (requests) => requests.filter((url) => new URL(url).pathname.startsWith('/parts/'));

describe('parts of the page', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  test('come when they are first needed, once', async (t) => {
    const session = await at.visit(t);
    const { page, requests } = session;
    const help = page.getByTestId('help');
    assert.deepEqual(partsIn(requests), []);
    await page.keyboard.press('?');
    await help.getByText('redo').waitFor();
    const fetched = partsIn(requests);
    assert.ok(fetched.length > 0);
    await page.keyboard.press('Escape');
    await help.waitFor({ state: 'hidden' });
    await page.keyboard.press('?');
    await help.waitFor();
    assert.deepEqual(partsIn(requests), fetched);
    session.assertClean();
  });

  test('that cannot be had are told of, and asked for again', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    session.expectProblem(/parts|Failed to (fetch|load)/);
    await page.route('**/parts/**', (route) => route.abort());
    await page.keyboard.press('?');
    await message(page, 'This part of the page could not be loaded.');
    assert.equal(await page.getByTestId('help').count(), 0);
    await page.unroute('**/parts/**');
    await page.keyboard.press('?');
    await page.getByTestId('help').waitFor({ timeout: PAGE_MILLISECONDS });
    session.assertClean();
  });
});
