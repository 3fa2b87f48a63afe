// Several published models: listed with their facts, chosen, loaded while the old one goes on,
// kept for the next visit. What the page reads and removes is compared with the native program
// with the same model.
import assert from 'node:assert/strict';
import { copyFile, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { obstacle, samples } from './support/env.mjs';
import { holdWeights, publishVariant, siteWithOwnModels, writeManifest } from './support/models.mjs';
import { eraseNatively, scratchFolder, serve } from './support/native.mjs';
import { decode, difference } from './support/pixels.mjs';
import {
  ENGINE_MILLISECONDS,
  LIMIT_MILLISECONDS,
  PAGE_MILLISECONDS,
  engineFailed,
  engineReady,
  message,
  openSession,
  settled,
  withBrowser,
} from './support/session.mjs';
import { areaOf, boxes, choose, drawAll, houseNumber, photoShown, shownPhoto } from './support/stage.mjs';

const KEY = 'doorplate-model';
const PHOTO = join(samples, 'door-606.jpg');
const AREAS = JSON.parse(readFileSync(join(samples, 'door-606.boxes.json'), 'utf8')).boxes.map(areaOf);

const button = (page, name) => page.locator(`[data-testid=model][data-model="${name}"]`);
const isWeights = (url) => url.endsWith('.safetensors');
const kept = (page) => page.evaluate((key) => localStorage.getItem(key), KEY);

/** The model that answers, as the page says, and its list where that was opened. */
async function inUse(page, name) {
  const status = page.getByTestId('engine-status').filter({ hasText: `${name},` });
  await status.waitFor({ timeout: ENGINE_MILLISECONDS });
  if ((await page.getByTestId('model').count()) === 0) return;
  const current = page.locator('[data-testid=model][aria-current=true]');
  assert.equal(await current.count(), 1);
  assert.equal(await current.getAttribute('data-model'), name);
}

/** Chooses a model with the mouse. */
async function pick(page, name) {
  await page.getByTestId('choose-model').click();
  await button(page, name).click();
}

async function openPhoto(page, areas) {
  await choose(page, PHOTO);
  await photoShown(page, 'door-606.jpg');
  await drawAll(page, areas);
}

describe('several models', { skip: obstacle, timeout: LIMIT_MILLISECONDS * 2 }, () => {
  const at = withBrowser();

  /** A site with the real model and some variants, `[name, turn]` each, and a page on it. */
  async function visit(t, variants, prepare = () => {}) {
    const site = await siteWithOwnModels();
    for (const [name, turn] of variants) await publishVariant(site, name, turn);
    await prepare(site);
    await writeManifest(site);
    const server = await serve(site.folder);
    t.after(server.stop);
    const session = await openSession(t, at.browser, server.origin);
    return { ...session, site, first: site.manifest.models[0].name };
  }

  test('another one is chosen by keyboard, reads and removes, and is kept', async (t) => {
    const { page, context, requests, goto, site, first, assertClean } = await visit(t, [['turned', 1]]);
    const gateOf = await holdWeights(context);
    gateOf(site.file).open();
    await goto('?engine=cpu');
    await engineReady(page);
    await openPhoto(page, AREAS.slice(0, -1));
    await settled(page);

    await page.getByTestId('choose-model').focus();
    await page.keyboard.press('Enter');
    await button(page, first).waitFor();
    assert.deepEqual(
      await page.getByTestId('model').evaluateAll((all) => all.map((one) => one.dataset.model)),
      [first, 'turned'],
    );
    const facts = (await button(page, 'turned').innerText()).replaceAll('\u00a0', ' ');
    const { architecture, bytes } = site.manifest.models[0];
    const megabytes = `${(bytes / 1e6).toFixed(1)} MB`;
    for (const fact of [architecture, megabytes, '12.5 % of 16 digits', 'SVHN Format 1']) {
      assert.ok(facts.includes(fact), `${fact} in: ${facts}`);
    }
    await inUse(page, first);
    assert.equal(await kept(page), null, 'nobody has chosen yet');

    // From the dialog's own button over the first model to the second; `r` is no key in here.
    await page.keyboard.press('r');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.ok(await button(page, first).isHidden());
    const focused = await page.evaluate(() => document.activeElement?.dataset.testid);
    assert.equal(focused, 'choose-model', 'the focus is back');
    assert.deepEqual((await boxes(page)).map(({ remove }) => remove), [true, true]);
    const turned = gateOf(site.manifest.models[1].file);
    await turned.asked;

    // While it loads, the old one reads and removes, and nothing is lost.
    await page.getByTestId('model-progress').waitFor();
    assert.match(await button(page, 'turned').innerText(), /loading/);
    await inUse(page, first);
    await drawAll(page, AREAS.slice(-1));
    const readAll = (count) =>
      page.waitForFunction(
        (count) => document.querySelectorAll('[data-testid=box][data-digit]').length === count,
        count,
        { timeout: PAGE_MILLISECONDS },
      );
    await readAll(AREAS.length);
    assert.ok(await page.getByTestId('save').isEnabled());
    const folder = await scratchFolder();
    const before = await eraseNatively(folder, PHOTO, AREAS, site);
    const digits = (readings) => readings.map(({ digit }) => digit);
    assert.deepEqual(digits(await boxes(page)), digits(before.readings));

    turned.open();
    await inUse(page, 'turned');
    await settled(page);
    const native = await eraseNatively(folder, PHOTO, AREAS, { ...site, model: 'turned' });
    assert.notDeepEqual(digits(native.readings), digits(before.readings), 'the two can be told apart');
    const shown = await boxes(page);
    assert.deepEqual(shown.map(areaOf), AREAS);
    assert.deepEqual(digits(shown), digits(native.readings));
    for (const [i, { confidence }] of native.readings.entries()) {
      assert.ok(Math.abs(shown[i].confidence - confidence) < 0.005, `box ${i + 1}`);
    }
    const picture = await shownPhoto(page);
    assert.ok(difference(decode(before.png), decode(native.png), AREAS).within > 2, 'so can pixels');
    assert.ok(difference(picture, decode(native.png), AREAS).within <= 2, 'it removes, too');
    assert.equal(await page.getByTestId('model-progress').count(), 0);
    assert.equal(requests.filter(isWeights).length, 2, 'each one once');
    assert.equal(requests.filter((url) => url.endsWith('engine_bg.wasm')).length, 1);
    assert.equal(await kept(page), 'turned');

    // The next visit begins with it, and both are in the cache.
    const seen = requests.length;
    await page.reload();
    await engineReady(page);
    await inUse(page, 'turned');
    await pick(page, first);
    await inUse(page, first);
    // The photo and its boxes are there from the last visit.
    await settled(page);
    assert.deepEqual(digits(await boxes(page)), digits(before.readings));
    assert.deepEqual(requests.slice(seen).filter(isWeights), []);
    assert.equal(await kept(page), first);
    assertClean();
  });

  test('of quick choices the last one holds, whatever arrives later', async (t) => {
    const { page, context, goto, site, first, assertClean } = await visit(t, [['one', 1], ['two', 2]]);
    const gateOf = await holdWeights(context);
    gateOf(site.file).open();
    await goto('?engine=cpu');
    await engineReady(page);
    await openPhoto(page, AREAS.slice(0, 1));
    await settled(page);
    const number = await houseNumber(page);
    const [, one, two] = site.manifest.models.map(({ file }) => gateOf(file));

    // Called off by the one in use.
    await pick(page, 'one');
    await one.asked;
    await pick(page, first);
    await settled(page);
    await inUse(page, first);
    assert.equal(await page.getByTestId('model-progress').count(), 0);

    // Overtaken by another; the first answer arrives when that one is in use.
    await pick(page, 'one');
    await pick(page, 'two');
    await two.asked;
    assert.match(await button(page, 'two').innerText(), /loading/);
    two.open();
    await inUse(page, 'two');
    await settled(page);
    const turned = (turn) => String((Number(number) + turn) % 10);
    assert.equal(await houseNumber(page), turned(2));
    one.open();
    await page.waitForTimeout(1500);
    await settled(page);
    await inUse(page, 'two');
    assert.equal(await houseNumber(page), turned(2));
    assert.equal(await kept(page), 'two');

    // And what was called off can still be chosen.
    await pick(page, 'one');
    await inUse(page, 'one');
    await settled(page);
    assert.equal(await houseNumber(page), turned(1));
    assertClean();
  });

  test('one that cannot be loaded says so, and the old one stays', async (t) => {
    const session = await visit(t, [['broken', 1]]);
    session.expectProblem(/status of 404/);
    const { page, site, first } = session;
    const { file } = site.manifest.models[1];
    const aside = join(site.folder, 'aside');
    await copyFile(join(site.models, file), aside);
    await rm(join(site.models, file));
    await session.goto('?engine=cpu');
    await engineReady(page);
    await openPhoto(page, AREAS.slice(0, 1));
    await settled(page);
    const number = await houseNumber(page);
    await pick(page, 'broken');
    const failure = page.getByTestId('model-failure');
    await failure.waitFor({ timeout: ENGINE_MILLISECONDS });
    const why = await failure.innerText();
    t.diagnostic(why);
    assert.match(why, /^broken could not be loaded\. .+ 404\. .+ stays in use\.$/s);
    assert.equal(await failure.getAttribute('role'), 'alert');
    await inUse(page, first);
    await drawAll(page, AREAS.slice(1, 2));
    await settled(page);
    assert.match(await houseNumber(page), new RegExp(`^(${number}\\d|\\d${number})$`));
    assert.equal(await kept(page), null);

    await copyFile(aside, join(site.models, file));
    await pick(page, 'broken');
    await inUse(page, 'broken');
    assert.equal(await failure.count(), 0);
    await settled(page);

    // A kept one whose weights are gone from server and cache: another can be chosen.
    await rm(join(site.models, file));
    await page.evaluate(async () => {
      for (const name of await caches.keys()) await caches.delete(name);
    });
    await page.reload();
    assert.match(await engineFailed(page), /weights of broken are missing/);
    await pick(page, first);
    await engineReady(page);
    await inUse(page, first);
    assert.equal(await kept(page), first);
    session.assertClean();
  });

  test('a kept one that is gone gives way; one of an unknown network is listed with the reason', async (t) => {
    const { page, goto, site, requests, assertClean } = await visit(t, [], ({ manifest }) => {
      const [model] = manifest.models;
      const newer = { name: 'newer', architecture: 'Net_Of_2031', file: 'newer.safetensors' };
      manifest.models = [{ ...model, ...newer }, model, { ...model, name: 'same' }];
    });
    const first = site.manifest.models[1].name;
    await page.addInitScript((key) => {
      if (!sessionStorage.visited) localStorage.setItem(key, 'gone');
      sessionStorage.visited = 'yes';
    }, KEY);
    await goto('?engine=cpu');
    await engineReady(page);
    await message(page, `The model gone is not published any more. ${first} is used instead.`);
    await inUse(page, first);
    assert.equal(await kept(page), null);
    await page.getByTestId('choose-model').click();
    const newer = button(page, 'newer');
    assert.match(await newer.innerText(), /not usable[\s\S]*Net_Of_2031[\s\S]*reload the page/);
    assert.equal(await newer.getAttribute('aria-disabled'), 'true');
    await newer.click({ force: true });
    await inUse(page, first);
    assert.equal(await page.getByTestId('model-progress').count(), 0);
    assert.ok(await newer.isVisible(), 'the list stays open');
    // The same weights under another name: nothing is fetched for it.
    await button(page, 'same').click();
    await inUse(page, 'same');
    assert.deepEqual(requests.filter(isWeights).length, 1);
    assert.ok(requests.filter(isWeights)[0].endsWith(site.manifest.models[1].file));
    await page.reload();
    await engineReady(page);
    await inUse(page, 'same');
    // This site has no stroke network, which is said for good; nothing is said of the models.
    const said = await page.getByTestId('message').allInnerTexts();
    assert.deepEqual(said.filter((text) => !text.includes('finds strokes')), []);
    assertClean();
  });

  test('a single one shows its name and accuracy, and all its facts when asked', async (t) => {
    const { page, goto, site, first, assertClean } = await visit(t, [], (site) => {
      site.manifest.models.splice(1);
    });
    await goto('?engine=cpu');
    const status = (await engineReady(page)).replaceAll('\u00a0', ' ');
    const [{ architecture, measured_digits: digits, measured_on: on }] = site.manifest.models;
    assert.match(status, new RegExp(`${first}, \\d+ % accurate$`));
    const about = page.getByTestId('choose-model');
    assert.equal(await about.innerText(), 'About the model');
    await about.click();
    const facts = (await page.getByTestId('model').innerText()).replaceAll('\u00a0', ' ');
    for (const fact of [first, architecture, 'MB', `% of ${digits} digits`, on]) {
      assert.ok(facts.includes(fact), `${fact} in: ${facts}`);
    }
    assertClean();
  });
});
