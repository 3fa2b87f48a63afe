// Weights and manifests that are not what was published: refused with a message, nothing lost,
// and mended by "Try again".
import assert from 'node:assert/strict';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { dist, obstacle, samples } from './support/env.mjs';
import { MANIFEST, siteWithOwnModels, writeManifest } from './support/models.mjs';
import { eraseNatively, scratchFolder, serve } from './support/native.mjs';
import { decode, difference } from './support/pixels.mjs';
import { openSample } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  engineFailed,
  LIMIT_MILLISECONDS,
  engineReady,
  message,
  openSession,
  settled,
  withBrowser,
} from './support/session.mjs';
import { areaOf, boxes, drawAll, houseNumber, photoShown, save } from './support/stage.mjs';

const BOX = { left: 242, top: 163, width: 69, height: 109 };

describe('the engine refuses', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withBrowser();

  const cases = [
    {
      name: 'weights with one byte changed',
      spoil: async ({ models, file }) => {
        const bytes = await readFile(join(models, file));
        bytes[bytes.length >> 1] ^= 1;
        await writeFile(join(models, file), bytes);
      },
      says: /sha-?256|hash|not the published|differ|tampered/i,
    },
    {
      name: 'weights cut short',
      spoil: async ({ models, file }) => {
        const bytes = await readFile(join(models, file));
        await writeFile(join(models, file), bytes.subarray(0, bytes.length >> 1));
      },
      says: /bytes|cut short/i,
    },
    {
      name: 'a manifest that names a missing file',
      spoil: ({ models, file }) => rm(join(models, file)),
      says: /weights of .+ are missing.*404/is,
    },
    {
      name: 'a manifest that is none',
      spoil: ({ models }) => writeFile(join(models, MANIFEST), '{"models": "none"}'),
      says: /manifest/i,
    },
    {
      name: 'a missing manifest',
      spoil: ({ models }) => rm(join(models, MANIFEST)),
      says: /manifest\.json.*404/is,
    },
  ];

  for (const { name, spoil, says } of cases) {
    test(`${name}, and works once that is mended`, async (t) => {
      const site = await siteWithOwnModels();
      await spoil(site);
      const server = await serve(site.folder);
      t.after(server.stop);
      const session = await openSession(t, at.browser, server.origin);
      // The browser itself reports a file that is missing.
      session.expectProblem(/status of 404/);
      const { page } = session;
      await session.goto('?engine=cpu');
      await openSample(page, 'door-606');
      await drawAll(page, [BOX]);

      const status = await engineFailed(page);
      t.diagnostic(status.replace(/\s+/g, ' '));
      assert.match(status, says);
      assert.ok(await page.getByTestId('save').isDisabled());
      await photoShown(page, 'door-606.jpg');
      assert.deepEqual((await boxes(page)).map(areaOf), [BOX]);
      assert.equal(await houseNumber(page), '?');

      for (const mended of [MANIFEST, site.file]) {
        await copyFile(join(dist, 'models', mended), join(site.models, mended));
      }
      await page.getByTestId('retry').click();
      await engineReady(page);
      await settled(page);
      assert.match(await houseNumber(page), /^\d$/);
      assert.deepEqual((await boxes(page)).map(areaOf), [BOX]);
      assert.ok((await save(page, ANSWER_MILLISECONDS)).png.length > 0);
      session.assertClean();
    });
  }

  test('a stroke network that is missing, but fills whole boxes and says so', async (t) => {
    const site = await siteWithOwnModels({ strokes: true });
    await rm(join(site.models, site.manifest.strokes.file));
    const server = await serve(site.folder);
    t.after(server.stop);
    const session = await openSession(t, at.browser, server.origin);
    session.expectProblem(/status of 404/);
    const { page } = session;
    await session.goto('?engine=cpu');
    await message(page, /strokes are missing.+Whole boxes are filled/);
    await openSample(page, 'door-606');
    await drawAll(page, [BOX]);
    await engineReady(page);
    await settled(page);
    const { png } = await save(page, ANSWER_MILLISECONDS);
    delete site.manifest.strokes;
    await writeManifest(site);
    const folder = await scratchFolder();
    const native = await eraseNatively(folder, join(samples, 'door-606.jpg'), [BOX], site);
    const { within } = difference(decode(png), decode(native.png), [BOX]);
    assert.ok(within <= 2, `${within} levels`);
    session.assertClean();
  });

  test('no stroke network at all, and keeps saying what that means', async (t) => {
    const site = await siteWithOwnModels({ strokes: true });
    delete site.manifest.strokes;
    await writeManifest(site);
    const server = await serve(site.folder);
    t.after(server.stop);
    const session = await openSession(t, at.browser, server.origin);
    const { page } = session;
    await session.goto('?engine=cpu');
    await engineReady(page);
    await message(page, /no model that finds strokes.+Whole boxes are filled/);
    // Longer than a line stays that needs no action.
    await page.waitForTimeout(5000);
    await message(page, /no model that finds strokes.+Whole boxes are filled/);
    session.assertClean();
  });

  test('weights that were spoilt in the cache, and fetches them again', async (t) => {
    const server = await serve();
    t.after(server.stop);
    const session = await openSession(t, at.browser, server.origin);
    const { page, requests } = session;
    await session.goto('?engine=cpu');
    await engineReady(page);
    const spoilt = await page.evaluate(async () => {
      let count = 0;
      for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
          if (!request.url.endsWith('.safetensors')) continue;
          const bytes = new Uint8Array(await (await cache.match(request)).arrayBuffer());
          bytes[1000] ^= 1;
          await cache.put(request, new Response(bytes));
          count += 1;
        }
      }
      return count;
    });
    // The model's and the stroke network's.
    assert.equal(spoilt, 2);
    const seen = requests.length;
    await page.reload();
    await engineReady(page);
    assert.equal(requests.slice(seen).filter((url) => url.endsWith('.safetensors')).length, 2);
    session.assertClean();
  });
});
