// The page without a network, its new versions, photos from other programs, and what it fetches.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { dist, obstacle, samples } from './support/env.mjs';
import {
  MANIFEST,
  publishVariant,
  replaceFile,
  siteWithOwnModels,
  writeManifest,
} from './support/models.mjs';
import { hosted, scratchFolder, serve } from './support/native.mjs';
import { FIRST as BOX } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  LIMIT_MILLISECONDS,
  PAGE_MILLISECONDS,
  engineFailed,
  engineReady,
  keptForOffline,
  message,
  openSession,
  settled,
  until,
  withBrowser,
} from './support/session.mjs';
import { choose, draw, drawAll, houseNumber, photoShown, save } from './support/stage.mjs';

const PHOTO = join(samples, 'door-606.jpg');

/** The version that a page shows: the test's own mark in its style sheet and in its HTML. */
const mark = (page) =>
  page.evaluate(() => [
    getComputedStyle(document.documentElement).getPropertyValue('--version').trim(),
    [...document.querySelectorAll('meta[name=version]')].at(-1)?.content ?? '',
  ]);

const markAs = async (site, version) => {
  await replaceFile(site, 'styles.css', (css) => `${css}\n:root { --version: ${version}; }\n`);
  await replaceFile(site, 'index.html', (html) =>
    html.replace('<title>', `<meta name="version" content="${version}">$&`),
  );
};

/** Opens a photo, reads and removes one digit, saves. */
async function work(page) {
  await choose(page, PHOTO);
  // What an earlier visit left has the same name.
  await until('the photo has no box', async () => (await page.getByTestId('box').count()) === 0);
  await photoShown(page, 'door-606.jpg');
  await drawAll(page, [BOX]);
  await engineReady(page);
  await settled(page);
  assert.match(await houseNumber(page), /^\d$/);
  assert.ok((await save(page, ANSWER_MILLISECONDS)).png.length > 0);
}

/** Changes one byte of a file in the page's cache, or takes the file out. */
function spoil(page, name, how) {
  return page.evaluate(
    async ([name, how]) => {
      const own = (await caches.keys()).find((key) => key.startsWith('doorplate-page'));
      const cache = await caches.open(own);
      const url = new URL(name, location.href).href;
      const response = await cache.match(url);
      const bytes = new Uint8Array(await response.arrayBuffer());
      bytes[bytes.length >> 1] ^= 1;
      if (how === 'gone') await cache.delete(url);
      else await cache.put(url, new Response(bytes, { headers: response.headers }));
    },
    [name, how],
  );
}

describe('without a network', { skip: obstacle, timeout: LIMIT_MILLISECONDS * 2 }, () => {
  const at = withBrowser();

  /** A page on a site of its own, visited once, and kept. */
  async function visited(t, { prepare = () => {}, ...options } = {}) {
    const site = await siteWithOwnModels({ strokes: true });
    await prepare(site);
    const server = await serve(site.folder);
    t.after(server.stop);
    const session = await openSession(t, at.browser, server.origin, options);
    await session.goto('?engine=cpu');
    await engineReady(session.page);
    await keptForOffline(session.page);
    return { ...session, site, server };
  }

  test('a photo is read, removed and saved, with samples at hand', async (t) => {
    const { page, context, server, assertClean } = await visited(t);
    await context.setOffline(true);
    await server.stop();
    await page.reload();
    const sample = page.getByTestId('sample').first();
    await sample.locator('img').evaluate((image) => image.decode());
    await sample.click();
    await engineReady(page);
    await settled(page);
    assert.equal(await page.locator('.file-stem').count(), 1);
    await work(page);
    assertClean();
  });

  test('below a path of its own, beside others', async (t) => {
    const folder = await scratchFolder();
    const other = '<link rel="icon" href="data:,"><title>Another page</title>';
    await writeFile(join(folder, 'index.html'), other);
    await mkdir(join(folder, 'plates'));
    await cp(dist, join(folder, 'plates/new'), { recursive: true });
    const server = await serve(folder);
    t.after(server.stop);
    const session = await openSession(t, at.browser, server.origin);
    const { page, context } = session;
    await session.goto('plates/new/?engine=cpu');
    await engineReady(page);
    await keptForOffline(page);
    const scope = await page.evaluate(async () => (await navigator.serviceWorker.ready).scope);
    assert.equal(scope, `${server.origin}/plates/new/`);
    await page.goto(`${server.origin}/`);
    assert.equal(await page.title(), 'Another page', 'the rest of the origin is not answered');
    await context.setOffline(true);
    await session.goto('plates/new/');
    await engineReady(page);
    session.assertClean();
  });

  test('a new version waits for its user, and the old one stays whole until then', async (t) => {
    const { page, context, site, goto, assertClean } = await visited(t, {
      prepare: (site) => markAs(site, 'one'),
    });
    assert.deepEqual(await mark(page), ['one', 'one']);
    assert.equal(await page.getByTestId('update').count(), 0);
    await markAs(site, 'two');

    await page.reload();
    assert.deepEqual(await mark(page), ['one', 'one'], 'the page is the kept one');
    await engineReady(page);
    const line = page.getByTestId('update');
    await line.waitFor({ timeout: PAGE_MILLISECONDS * 2 });
    assert.match(await line.innerText(), /^A new version is ready\.\s+Reload$/);
    assert.match(await page.evaluate(async () => (await fetch('styles.css')).text()), /: one/);
    await work(page);
    assert.match(await line.innerText(), /Your photos and boxes are kept/);

    // Beside another window it waits on: that one's files are the old version's.
    const other = await context.newPage();
    await other.goto(page.url());
    await engineReady(other);
    assert.deepEqual(await mark(other), ['one', 'one']);
    await page.getByTestId('reload').click();
    await message(page, 'open in other windows');
    await photoShown(page, 'door-606.jpg');
    assert.ok(await page.getByTestId('reload').isEnabled());
    await other.close();

    await Promise.all([page.waitForEvent('load'), page.getByTestId('reload').click()]);
    assert.deepEqual(await mark(page), ['two', 'two']);
    await engineReady(page);
    assert.equal(await page.getByTestId('update').count(), 0);
    assert.equal(
      await page.evaluate(
        async () => (await caches.keys()).filter((key) => key.startsWith('doorplate-page')).length,
      ),
      1,
      'the old version is gone',
    );
    await context.setOffline(true);
    await goto();
    assert.deepEqual(await mark(page), ['two', 'two']);
    await engineReady(page);
    assertClean();
  });

  test('an old version works with models published since, whatever became of its own', async (t) => {
    const { page, site, assertClean } = await visited(t, {
      prepare: (site) => markAs(site, 'one'),
    });
    const entry = await publishVariant(site, 'newer', 1);
    site.manifest.models = [entry];
    await writeManifest(site);
    await rm(join(site.models, site.file));
    await markAs(site, 'two');
    await page.reload();
    assert.deepEqual(await mark(page), ['one', 'one'], 'the page is the kept one');
    await work(page);
    assert.match(await page.locator('.panel').innerText(), /newer/);
    assertClean();
  });

  test('an old version that the published models are too new for gives way', async (t) => {
    const { page, site, assertClean } = await visited(t, {
      prepare: (site) => markAs(site, 'one'),
    });
    const manifest = (format) => JSON.stringify({ ...site.manifest, format });
    await replaceFile(site, `models/${MANIFEST}`, () => manifest(99));
    await markAs(site, 'two');
    await page.reload();
    assert.deepEqual(await mark(page), ['one', 'one'], 'the page is the kept one');
    const status = await engineFailed(page);
    t.diagnostic(status.replace(/\s+/g, ' '));
    assert.match(status, /format 99/);
    await page.getByTestId('update').waitFor({ timeout: PAGE_MILLISECONDS * 2 });
    // The new version's engine is the old one, which cannot know that format either.
    await replaceFile(site, `models/${MANIFEST}`, () => manifest(site.manifest.format));
    await Promise.all([page.waitForEvent('load'), page.getByTestId('reload').click()]);
    assert.deepEqual(await mark(page), ['two', 'two']);
    await work(page);
    assertClean();
  });

  test('a damaged file and a missing one are fetched again', async (t) => {
    const { page, context, allRequests, assertClean } = await visited(t);
    await page.reload();
    await engineReady(page);
    for (const [name, how] of [
      ['app.js', 'damaged'],
      ['engine_bg.wasm', 'damaged'],
      ['styles.css', 'gone'],
    ]) {
      await spoil(page, name, how);
      const seen = allRequests.length;
      await page.reload();
      await engineReady(page);
      // Once by the page, and once by the worker, which alone can reach the server.
      const asked = allRequests.slice(seen).filter((url) => url.endsWith(name));
      assert.equal(asked.length, 2, name);
    }
    await context.setOffline(true);
    await page.reload();
    await engineReady(page);
    await work(page);
    assertClean();
  });

  test('a damaged file that the server has no more gives way to the new version', async (t) => {
    const { page, site, assertClean, expectProblem } = await visited(t, {
      prepare: (site) => markAs(site, 'one'),
    });
    // The style sheet of the load that finds out.
    expectProblem(/styles\.css/);
    await markAs(site, 'two');
    await spoil(page, 'styles.css', 'damaged');
    await page.reload();
    assert.deepEqual(await mark(page), ['', 'one'], 'nothing of the new one in the old');
    await engineReady(page);
    await page.reload();
    assert.deepEqual(await mark(page), ['two', 'two'], 'all of it');
    await engineReady(page);
    await work(page);
    assertClean();
  });

  test('what was thrown away is kept again', async (t) => {
    const { page, context, assertClean } = await visited(t);
    await page.evaluate(async () => {
      for (const name of await caches.keys()) await caches.delete(name);
    });
    await page.reload();
    await engineReady(page);
    await keptForOffline(page);
    await context.setOffline(true);
    await page.reload();
    await engineReady(page);
    assertClean();
  });

  test('a content policy that the host makes stricter arrives, and holds without a network', async (t) => {
    const server = await serve();
    t.after(server.stop);
    let stricter = false;
    const origin = await hosted(t, server.origin, ({ headers }) => {
      const policy = headers['content-security-policy'];
      if (stricter) headers['content-security-policy'] = policy.replace('img-src', 'x-img-src');
    });
    const session = await openSession(t, at.browser, origin);
    const { page, context, expectProblem } = session;
    expectProblem(/content security policy|unrecognized.*x-img-src/i);
    /** Whether the page may show a picture from its own address. */
    const pictured = () =>
      page.evaluate(async () => {
        const image = new Image();
        image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=';
        return image.decode().then(
          () => true,
          () => false,
        );
      });
    const policyKept = (name) =>
      page.evaluate(
        async (name) =>
          (await caches.match(new URL(name, location.origin))).headers.get('content-security-policy'),
        name,
      );
    await session.goto('?engine=cpu');
    await engineReady(page);
    await keptForOffline(page);
    await page.reload();
    assert.equal(await pictured(), true);

    stricter = true;
    await page.reload();
    await engineReady(page);
    for (const name of ['index.html', 'engine-start.js']) {
      await until('the policy has come', async () => /x-img-src/.test(await policyKept(name)));
    }
    await page.reload();
    assert.equal(await pictured(), false, 'the new policy holds');
    await server.stop();
    await context.setOffline(true);
    await page.reload();
    await engineReady(page);
    assert.equal(await pictured(), false, 'without a network, too');
    session.assertClean();
  });

  test('a host that changes the page on its way is named, as nothing can be kept then', async (t) => {
    const server = await serve();
    t.after(server.stop);
    const origin = await hosted(t, server.origin, (answer) => {
      if (!/^\/(index\.html)?$/.test(answer.path)) return;
      answer.body = Buffer.from(`${answer.body}<!-- by your host -->`);
    });
    const session = await openSession(t, at.browser, origin);
    const { page, warnings } = session;
    await session.goto('?engine=cpu');
    await engineReady(page);
    const says = /not kept for use without a network: the server sends another \/index\.html/;
    await until('the console says it', () => warnings.some((line) => says.test(line)));
    await page.getByTestId('stays').click();
    await page.getByTestId('fetches-offline').filter({ hasText: says }).waitFor();
    await page.keyboard.press('Escape');
    await work(page);
    session.assertClean();
  });

  test('a browser without service workers has the whole page all the same', async (t) => {
    const server = await serve();
    t.after(server.stop);
    for (const script of [
      () => delete Navigator.prototype.serviceWorker,
      () => {
        navigator.serviceWorker.register = () => Promise.reject(new DOMException('no', 'SecurityError'));
      },
    ]) {
      const session = await openSession(t, at.browser, server.origin);
      await session.context.addInitScript(script);
      await session.goto('?engine=cpu');
      await work(session.page);
      session.assertClean();
    }
  });

  test('with storage full the whole page is there all the same, visit by visit', async (t) => {
    const server = await serve();
    t.after(server.stop);
    const session = await openSession(t, at.browser, server.origin);
    const { page, context } = session;
    const client = await context.newCDPSession(page);
    const full = { origin: server.origin, quotaSize: 100_000 };
    await client.send('Storage.overrideQuotaForOrigin', full);
    for (let visit = 0; visit < 2; visit += 1) {
      await session.goto('?engine=cpu');
      await work(page);
      const gaveUp = () =>
        page.evaluate(async () => {
          const registration = await navigator.serviceWorker.getRegistration();
          const kept = (await caches.keys()).filter((name) => name.startsWith('doorplate-page'));
          return !registration?.installing && !registration?.active && kept.length === 0;
        });
      await until('nothing is kept by halves', gaveUp);
    }
    session.assertClean();
  });

  test('a photo that another program shares is opened and reaches no network', async (t) => {
    const { page, context, server, assertClean } = await visited(t);
    const manifest = JSON.parse(await readFile(join(dist, 'manifest.webmanifest'), 'utf8'));
    const { action, method, enctype, params } = manifest.share_target;
    await context.setOffline(true);
    await server.stop();
    // As the system does it: a form of a page that is not ours.
    await page.goto('about:blank');
    await page.setContent(
      `<form method="${method}" enctype="${enctype}" action="${server.origin}/${action}">
         <input type="file" multiple name="${params.files[0].name}"><button>Share</button></form>`,
    );
    await page.setInputFiles('input', PHOTO);
    await page.click('button');
    await page.waitForSelector('[data-testid=stage]');
    await photoShown(page, 'door-606.jpg');
    assert.equal(page.url(), `${server.origin}/`, 'the address can be kept');
    await engineReady(page);
    await draw(page, BOX);
    await settled(page);
    assert.match(await houseNumber(page), /^\d$/);
    // Loaded again, the page has the photo as kept work, and asks for nothing.
    await page.reload();
    await engineReady(page);
    await photoShown(page, 'door-606.jpg');
    assert.equal(await page.getByTestId('message').filter({ hasText: 'shared' }).count(), 0);
    // An old address has no photo any more, and says so.
    await page.goto(`${server.origin}/?shared=of-yesterday`);
    await message(page, 'shared photo did not arrive');
    assertClean();
  });

  test('photos that the system opens with the page are taken, and one that is gone is named', async (t) => {
    const server = await serve();
    t.after(server.stop);
    const { page, goto, assertClean } = await openSession(t, at.browser, server.origin);
    const photo = (await readFile(PHOTO)).toString('base64');
    // The browser's own queue is there for installed pages alone.
    await page.addInitScript((photo) => {
      const bytes = Uint8Array.from(atob(photo), (letter) => letter.charCodeAt(0));
      const files = [
        { name: 'gone.jpg', getFile: () => Promise.reject(new DOMException('gone', 'NotFoundError')) },
        { name: 'door.jpg', getFile: async () => new File([bytes], 'door.jpg', { type: 'image/jpeg' }) },
      ];
      Object.defineProperty(window, 'launchQueue', {
        value: { setConsumer: (consume) => setTimeout(() => consume({ files })) },
      });
    }, photo);
    await goto('?engine=cpu');
    await photoShown(page, 'door.jpg');
    await message(page, 'Could not read gone.jpg.');
    assertClean();
  });

  test('the web manifest is whole, and what it names is there', async () => {
    const manifest = JSON.parse(await readFile(join(dist, 'manifest.webmanifest'), 'utf8'));
    for (const { src, sizes, type } of manifest.icons) {
      const bytes = await readFile(join(dist, src));
      if (type !== 'image/png') continue;
      assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes, src);
    }
    assert.ok(manifest.icons.some(({ purpose }) => purpose === 'maskable'));
    for (const address of [manifest.start_url, manifest.scope, manifest.share_target.action]) {
      assert.doesNotMatch(address, /^\/|:/, 'relative, so that it works below a path');
    }
  });
});

describe('what is fetched', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withBrowser();

  test('of a whole session is the page’s own, nothing is sent, and the page shows it', async (t) => {
    const server = await serve();
    t.after(server.stop);
    const session = await openSession(t, at.browser, server.origin);
    const { page, context, allRequests: requests } = session;
    const sent = [];
    context.on('request', (request) => {
      if (request.method() !== 'GET' || request.postData()) sent.push(request.url());
    });
    await session.goto('?engine=cpu');
    await page.getByTestId('sample').first().click();
    await page.locator('.file-stem').waitFor();
    await work(page);
    await keptForOffline(page);

    await page.getByTestId('stays').click();
    const dialog = page.getByTestId('fetches');
    await dialog.waitFor();
    const total = (await page.getByTestId('fetches-total').innerText()).replaceAll('\u00a0', ' ');
    t.diagnostic(total);
    assert.match(total, new RegExp(`^\\d+ files from ${new URL(server.origin).host}, and none from`));
    await page
      .getByTestId('fetches-policy')
      .filter({ hasText: 'forbids everything else' })
      .waitFor();
    await page
      .getByTestId('fetches-offline')
      .filter({ hasText: 'works without a network' })
      .waitFor();
    const files = await page.getByTestId('fetch').locator('td:first-child').allInnerTexts();
    const names = new Set(files);
    for (const name of ['index.html', 'app_bg.wasm', 'engine_bg.wasm', 'models/manifest.json']) {
      assert.ok(names.has(name), `${name} in ${files.join(', ')}`);
    }
    assert.equal(files.filter((name) => name.endsWith('.safetensors')).length, 2);
    // Whatever the browser asked for is in the list, but what belongs to the installed page.
    const asked = requests
      .map((url) => new URL(url))
      .filter(({ protocol }) => /^https?:$/.test(protocol))
      .map(({ pathname }) => pathname.slice(1) || 'index.html');
    const installing =
      /^(service-worker\.js|precache\.js|manifest\.webmanifest|icon.*|samples\/.*|parts\/.*)$/;
    const missing = asked.filter((name) => !names.has(name) && !installing.test(name));
    assert.deepEqual(missing, []);

    // And the browser holds the page to it.
    session.expectProblem(/violates|Refused to connect|blocked/i);
    const seen = requests.length;
    const refused = await page.evaluate(() =>
      fetch('http://127.0.0.2:9/').then(
        () => false,
        () => true,
      ),
    );
    assert.ok(refused);
    assert.deepEqual(requests.slice(seen).filter((url) => url.includes('127.0.0.2')), []);
    assert.deepEqual(sent, []);
    session.assertClean();
  });
});
