// Pictures of the page for looking at, not a test:
//   node tests/browser/screenshots.mjs OUTDIR
// with the environment of `make test-browser`. The empty page and a sample with its boxes, in
// light and dark, at three sizes.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { obstacle, samples } from './support/env.mjs';
import { serve } from './support/native.mjs';
import { engineReady, launch, settled } from './support/session.mjs';
import { areaOf, choose, drawAll, photoShown } from './support/stage.mjs';

const SIZES = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
  { width: 1680, height: 1050 },
];
const NOTICE_MILLISECONDS = 12_000;

const folder = process.argv[2];
if (!folder || obstacle) {
  console.error(obstacle || 'usage: node tests/browser/screenshots.mjs OUTDIR');
  process.exit(2);
}
await mkdir(folder, { recursive: true });
const server = await serve();
const browser = await launch();
try {
  for (const colorScheme of ['light', 'dark']) {
    for (const viewport of SIZES) {
      const context = await browser.newContext({ viewport, colorScheme });
      const page = await context.newPage();
      const shoot = (what) => {
        const name = `${what}-${colorScheme}-${viewport.width}x${viewport.height}.png`;
        console.log(name);
        // Playwright would hide the caret with a style sheet, which the content policy forbids.
        return page.screenshot({ path: join(folder, name), caret: 'initial' });
      };
      await page.goto(`${server.origin}/?engine=cpu`);
      await engineReady(page);
      await page.waitForLoadState('networkidle');
      await shoot('empty');
      for (const sample of ['door-606', 'enamel-143']) {
        await choose(page, join(samples, `${sample}.jpg`));
        await photoShown(page, `${sample}.jpg`);
        const { boxes } = JSON.parse(await readFile(join(samples, `${sample}.boxes.json`), 'utf8'));
        await drawAll(page, boxes.map(areaOf));
        await settled(page);
        await shoot(sample);
      }
      await page.keyboard.press('Escape');
      await choose(page, { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('none') });
      await page.getByTestId('message').first().waitFor({ timeout: NOTICE_MILLISECONDS });
      await shoot('message');
      await page.keyboard.press('?');
      await page.locator('dialog[open]').waitFor();
      await shoot('keys');
      await context.close();
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
