// Every view by axe-core's rules for WCAG 2.2 A and AA, in both themes and at two widths.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { FIRST, SECOND, openSample } from './support/samples.mjs';
import { LIMIT_MILLISECONDS, engineReady, settled, withPageServed } from './support/session.mjs';
import { choose, drawAll } from './support/stage.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds, a line a fault: the rule, the view, and where. */
async function faults(page, view) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (values) => {
    const found = await window.axe.run(document, { runOnly: { type: 'tag', values } });
    return found.violations.map(({ id, nodes }) => ({
      id,
      where: nodes.map(({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary}`),
    }));
  }, RULES);
  return violations.map(({ id, where }) => `${view}: ${id}\n  ${where.join('\n  ')}`);
}

describe('accessibility', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  for (const colorScheme of ['light', 'dark']) {
    for (const width of [390, 1280]) {
      test(`axe finds nothing, ${colorScheme}, ${width} px wide`, async (t) => {
        const viewport = { width, height: 900 };
        const options = { colorScheme, viewport };
        const session = await at.visit(t, options);
        const { page } = session;
        const found = await faults(page, 'starting');
        await engineReady(page);
        const see = async (view) => found.push(...(await faults(page, view)));
        await see('empty');
        await openSample(page, 'door-606');
        await drawAll(page, [FIRST, SECOND]);
        await settled(page);
        await see('a photo with boxes');
        for (const [view, testId, open] of [
          ['keys', 'help', () => page.keyboard.press('?')],
          ['models', 'models', () => page.getByTestId('choose-model').click()],
          [
            'models, compared',
            'models',
            async () => {
              await page.getByTestId('choose-model').click();
              await page.getByTestId('tick').nth(0).check();
              await page.getByTestId('tick').nth(1).check();
              await page.getByTestId('compared-box').nth(1).waitFor();
              await page.getByTestId('card').first().locator('summary').click();
              await page.getByTestId('card').first().locator('td').first().waitFor();
              for (const table of await page.locator('.chart summary').all()) await table.click();
            },
          ],
          ['the inspector', 'inside', () => page.getByTestId('inspect').click()],
        ]) {
          await open();
          await page.getByTestId(testId).waitFor();
          await settled(page);
          await see(view);
          await page.keyboard.press('Escape');
          await page.getByTestId(testId).waitFor({ state: 'hidden' });
        }
        for (const [view, testId, key] of [
          ['side by side', 'original-beside', 's'],
          ['the brush', 'brush-bar', 'p'],
        ]) {
          await page.keyboard.press(key);
          await page.getByTestId(testId).waitFor();
          await settled(page);
          await see(view);
          await page.keyboard.press(key);
          await page.getByTestId(testId).waitFor({ state: 'detached' });
        }
        const wrong = { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('none') };
        await choose(page, wrong);
        await page.getByTestId('message').first().waitFor();
        await see('a message');
        assert.deepEqual(found, []);
        session.assertClean();
      });
    }
  }
});
