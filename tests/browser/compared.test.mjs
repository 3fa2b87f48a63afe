// All published models, compared: what each was measured to read, its training and its card; and
// several that read the boxes of the open photo side by side.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { dist, obstacle, samples } from './support/env.mjs';
import { holdWeights, publishVariant, siteWithOwnModels, writeManifest } from './support/models.mjs';
import { eraseNatively, scratchFolder, serve } from './support/native.mjs';
import {
  ENGINE_MILLISECONDS,
  LIMIT_MILLISECONDS,
  engineReady,
  openSession,
  settled,
  withBrowser,
} from './support/session.mjs';
import { areaOf, boxes, choose, drawAll, photoShown } from './support/stage.mjs';

const PHOTO = join(samples, 'door-606.jpg');
const AREAS = JSON.parse(readFileSync(join(samples, 'door-606.boxes.json'), 'utf8')).boxes.map(areaOf);

const open = (page) => page.getByTestId('choose-model').click();
const tick = (page, name) => page.locator(`[data-testid=tick][data-model="${name}"]`);
const chart = (page, name) => page.locator(`[data-testid=chart][data-name="${name}"]`);
const said = async (chart) => (await chart.getByTestId('said').innerText()).replaceAll('\u00a0', ' ');
const isWeights = (url) => url.endsWith('.safetensors');

async function openPhoto(page, areas) {
  await choose(page, PHOTO);
  await photoShown(page, 'door-606.jpg');
  await drawAll(page, areas);
}

/** Waits until a model is that far in the table. */
async function column(page, name, state) {
  const cell = page.locator(
    `[data-testid=compared-state][data-model="${name}"][data-state=${state}]`,
  );
  await cell.waitFor({ timeout: ENGINE_MILLISECONDS });
  return cell;
}

/** What a model reads in the table, box by box; null where it has not. */
const digitsOf = (page, name) =>
  page
    .locator(`[data-testid=compared-box] td[data-model="${name}"]`)
    .evaluateAll((cells) => cells.map(({ dataset }) => Number(dataset.digit ?? NaN)));

/** The middle of a cell of a confusion matrix, in the window. */
async function cellAt(matrix, truth, read) {
  const svg = matrix.locator('svg');
  await svg.scrollIntoViewIfNeeded();
  const { x, y, width } = await svg.boundingBox();
  const scale = width / 310;
  const along = (digit) => (48 + 26 * (digit + 0.5)) * scale;
  return [x + along(read), y + along(truth)];
}

/** What is said of a cell. */
function expected({ confusion: { counts } }, truth, read) {
  const of = counts[truth].reduce((sum, count) => sum + count);
  const share = ((100 * counts[truth][read]) / of).toFixed(1);
  const grouped = (count) => count.toLocaleString('en');
  const article = truth === 8 ? 'an' : 'a';
  return `${article} ${truth} read as ${read}: ${grouped(counts[truth][read])} of ${grouped(of)} (${share} %)`;
}

describe('models, compared', { skip: obstacle, timeout: LIMIT_MILLISECONDS * 2 }, () => {
  const at = withBrowser();

  /** A page on a site with the real model and some variants. */
  async function visit(t, variants, { options, strokes, prepare = () => {} } = {}) {
    const site = await siteWithOwnModels({ strokes });
    for (const [name, turn] of variants) await publishVariant(site, name, turn);
    await prepare(site);
    await writeManifest(site);
    const server = await serve(site.folder);
    t.after(server.stop);
    const session = await openSession(t, at.browser, server.origin, options);
    return { ...session, site, first: site.manifest.models[0].name };
  }

  test('a ticked model shows what it reads as what, by mouse, keys and table', async (t) => {
    const server = await serve();
    t.after(server.stop);
    const session = await openSession(t, at.browser, server.origin);
    const { page } = session;
    const { models } = JSON.parse(readFileSync(join(dist, 'models/manifest.json'), 'utf8'));
    await session.goto('?engine=cpu');
    await engineReady(page);
    await open(page);
    assert.equal(await page.getByTestId('closer').count(), 0);
    const [model, other] = models;
    await tick(page, model.name).focus();
    await page.keyboard.press('Space');
    const matrix = chart(page, `Confusion of ${model.name}`);
    for (const [truth, read] of [[3, 5], [7, 1], [8, 8], [0, 9]]) {
      await page.mouse.move(...(await cellAt(matrix, truth, read)));
      assert.equal(await said(matrix), expected(model, truth, read));
    }
    await page.mouse.move(...(await cellAt(matrix, -1, 3)));
    assert.match(await said(matrix), /arrow keys/, 'nothing beside the cells');
    await matrix.locator('svg').focus();
    assert.equal(await said(matrix), expected(model, 0, 0));
    for (const key of ['ArrowUp', 'ArrowDown', 'ArrowRight', 'ArrowRight', 'ArrowLeft']) {
      await page.keyboard.press(key);
    }
    assert.equal(await said(matrix), expected(model, 1, 1));
    for (let i = 0; i < 12; i += 1) await page.keyboard.press('ArrowRight');
    assert.equal(await said(matrix), expected(model, 1, 9), 'it stays within');
    await matrix.locator('summary').click();
    const rows = await matrix
      .locator('tbody tr')
      .evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => Number(cell.innerText))));
    assert.deepEqual(rows, model.confusion.counts.map((counts, digit) => [digit, ...counts]));

    // Precision and recall of one, and of two side by side.
    const recall = chart(page, 'Recall');
    assert.equal(await recall.locator('.bar').count(), 10);
    await tick(page, other.name).check();
    await recall.locator('.bar').nth(19).waitFor({ state: 'attached' });
    await recall.locator('svg').focus();
    for (let i = 0; i < 4; i += 1) await page.keyboard.press('ArrowRight');
    const of = ({ name, confusion: { counts } }) =>
      `${name} ${((100 * counts[4][4]) / counts[4].reduce((a, b) => a + b)).toFixed(1)} %`;
    assert.equal(await said(recall), `Digit 4: ${of(model)}, ${of(other)}`);
    const precision = chart(page, 'Precision');
    await precision.locator('summary').click();
    const column = ({ confusion: { counts } }) => counts.reduce((sum, row) => sum + row[4], 0);
    const cells = (await precision.locator('tbody tr').nth(4).innerText()).replaceAll('\u00a0', ' ');
    for (const one of [model, other]) {
      const share = ((100 * one.confusion.counts[4][4]) / column(one)).toFixed(1);
      assert.ok(cells.includes(`${share} %`), `${share} in ${cells}`);
    }
    assert.match(await page.getByTestId('models').innerText(), /Open a photo and draw a box/);

    // Its curves and its card, and away with it.
    const closer = page.locator(`[data-testid=closer][data-model="${model.name}"]`);
    const curves = closer.locator('img');
    await curves.scrollIntoViewIfNeeded();
    await page.waitForFunction((img) => img.complete && img.naturalWidth > 0, await curves.elementHandle());
    await closer.getByTestId('card').locator('summary').click();
    await closer.locator('td', { hasText: model.sha256 }).waitFor();
    assert.ok((await closer.innerText()).includes(model.command.slice(0, 40)));
    await tick(page, model.name).uncheck();
    await closer.waitFor({ state: 'detached' });
    session.assertClean();
  });

  test('a finger shows a cell; a card is text, and an older manifest has no matrix', async (t) => {
    const { page, goto, site, assertClean } = await visit(t, [['turned', 1], ['older', 2]], {
      options: { hasTouch: true, viewport: { width: 390, height: 844 } },
      prepare: ({ manifest }) => {
        manifest.models[1].command = '<img src=x onerror="document.title=1"> <script>document.title=2</script>';
        delete manifest.models[2].confusion;
      },
    });
    await goto('?engine=cpu');
    await engineReady(page);
    const title = await page.title();
    await page.getByTestId('choose-model').tap();
    await tick(page, 'turned').tap();
    const matrix = chart(page, 'Confusion of turned');
    await page.touchscreen.tap(...(await cellAt(matrix, 3, 5)));
    assert.equal(await said(matrix), 'a 3 read as 5: 14 of 14 (100.0 %)');
    const card = page.getByTestId('card');
    await card.locator('summary').tap();
    assert.match(await card.innerText(), /<img src=x onerror=.+<script>/);
    assert.equal(await card.locator('img, script').count(), 0);
    assert.equal(await page.title(), title);
    const wide = await page.evaluate(() => document.querySelector('dialog[open]').scrollWidth);
    assert.ok(wide <= 390, `${wide} pixels on a screen of 390`);

    await tick(page, 'turned').tap();
    await tick(page, 'older').tap();
    const older = page.locator('[data-testid=closer][data-model=older]');
    assert.match(await older.innerText(), /No confusion matrix was published/);
    assert.equal(await page.locator('[data-name=Recall]').count(), 0);
    assert.equal(site.manifest.models.length, 3);
    assertClean();
  });

  test('two read the same boxes, each as the native program does with it', async (t) => {
    const { page, goto, site, first, requests, assertClean } = await visit(t, [['turned', 1]], {
      strokes: true,
    });
    await goto('?engine=cpu');
    await engineReady(page);
    await openPhoto(page, AREAS);
    await settled(page);
    await open(page);
    await tick(page, first).check();
    assert.equal(await page.getByTestId('compared-boxes').count(), 0, 'one alone is compared with none');
    await tick(page, 'turned').check();
    for (const name of [first, 'turned']) {
      assert.match(await (await column(page, name, 'read')).innerText(), /ms$/);
    }
    await settled(page);
    const folder = await scratchFolder();
    for (const name of [first, 'turned']) {
      const native = await eraseNatively(folder, PHOTO, AREAS, { ...site, model: name });
      const order = AREAS.map((area, i) => [area.left, native.readings[i]]).sort(([a], [b]) => a - b);
      const readings = order.map(([, reading]) => reading);
      assert.deepEqual(await digitsOf(page, name), readings.map(({ digit }) => digit));
      const cells = page.locator(`[data-testid=compared-box] td[data-model="${name}"]`);
      for (const [i, { confidence }] of readings.entries()) {
        const shown = Number(await cells.nth(i).getAttribute('data-confidence'));
        assert.ok(Math.abs(shown - confidence) < 0.005, `${name}, box ${i + 1}`);
      }
    }
    const [ours, theirs] = [await digitsOf(page, first), await digitsOf(page, 'turned')];
    const differ = ours.filter((digit, i) => digit !== theirs[i]).length;
    assert.ok(differ > 0, 'the two can be told apart');
    const marked = page.locator('[data-testid=compared-box][data-disagree=true]');
    assert.equal(await marked.count(), differ);
    assert.match(await marked.first().innerText(), /differ/);
    const all = new RegExp(`^The two models disagree on (${differ} of ${AREAS.length} boxes|the box)\\.$`);
    assert.match(await page.getByTestId('disagreement').innerText(), all);

    // It is loaded now: to use it, nothing is fetched.
    const seen = requests.length;
    await page.locator('[data-testid=model][data-model=turned]').click();
    await page.locator('[data-testid=model][data-model=turned][aria-current=true]').waitFor({
      state: 'attached',
      timeout: ENGINE_MILLISECONDS,
    });
    await settled(page);
    const read = (await boxes(page)).sort((a, b) => a.left - b.left).map(({ digit }) => digit);
    assert.deepEqual(read, theirs);
    assert.deepEqual(requests.slice(seen), []);
    assert.equal(requests.filter(isWeights).length, 3, 'two models and the strokes, each once');
    assertClean();
  });

  test('one that cannot be loaded says so in its column, and the others read', async (t) => {
    const session = await visit(t, [['broken', 1], ['two', 2]], {
      prepare: ({ manifest }) => {
        const newer = { name: 'newer', architecture: 'Net_Of_2031', file: 'newer.safetensors' };
        manifest.models.push({ ...manifest.models[0], ...newer });
      },
    });
    session.expectProblem(/status of 404/);
    const { page, site, first } = session;
    const { file } = site.manifest.models[1];
    const aside = join(site.folder, 'aside');
    await copyFile(join(site.models, file), aside);
    await rm(join(site.models, file));
    await session.goto('?engine=cpu');
    await engineReady(page);
    await openPhoto(page, AREAS);
    await open(page);
    for (const name of ['broken', first, 'newer', 'two']) await tick(page, name).check();
    assert.match(await (await column(page, 'broken', 'failed')).innerText(), /weights of broken .+ 404/s);
    assert.match(await (await column(page, 'newer', 'failed')).innerText(), /Net_Of_2031/);
    await column(page, first, 'read');
    await column(page, 'two', 'read');
    await settled(page);
    assert.match(await page.getByTestId('disagreement').innerText(), /^The two models disagree on/);

    // A changed file is refused as anywhere; the published one is taken when it is ticked again.
    const bytes = readFileSync(aside);
    bytes[bytes.length - 1] ^= 1;
    await writeFile(join(site.models, file), bytes);
    await tick(page, 'broken').uncheck();
    await tick(page, 'broken').check();
    await page.locator('[data-model=broken][data-state=failed]', { hasText: /not the published/ }).waitFor();
    await copyFile(aside, join(site.models, file));
    await tick(page, 'broken').uncheck();
    await tick(page, 'broken').check();
    await column(page, 'broken', 'read');
    assert.match(await page.getByTestId('disagreement').innerText(), /^The 3 models disagree on/);
    session.assertClean();
  });

  test('editing goes on while one is loading, and what comes is about the boxes as they are', async (t) => {
    const { page, context, goto, site, first, assertClean } = await visit(t, [['slow', 1]]);
    const gateOf = await holdWeights(context);
    await goto('?engine=cpu');
    // Before the engine runs.
    await openPhoto(page, AREAS.slice(0, 1));
    await page.getByTestId('choose-model').waitFor({ timeout: ENGINE_MILLISECONDS });
    await open(page);
    await tick(page, first).check();
    await tick(page, 'slow').check();
    assert.match(await page.getByTestId('models').innerText(), /as soon as the engine is loaded/);
    gateOf(site.file).open();
    await engineReady(page);
    await column(page, first, 'read');
    const slow = gateOf(site.manifest.models[1].file);
    await slow.asked;
    await column(page, 'slow', 'loading');
    assert.equal(await page.getByTestId('compared-progress').count(), 1);
    await page.keyboard.press('Escape');

    await drawAll(page, AREAS.slice(1));
    await page.waitForFunction(
      (count) => document.querySelectorAll('[data-testid=box][data-digit]').length === count,
      AREAS.length,
    );
    await open(page);
    await column(page, first, 'read');
    assert.equal((await digitsOf(page, first)).length, AREAS.length);
    slow.open();
    await column(page, 'slow', 'read');
    await settled(page);
    const digits = await digitsOf(page, 'slow');
    assert.equal(digits.filter((digit) => digit >= 0).length, AREAS.length);

    // Undone, the boxes are those of before.
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+z');
    await settled(page);
    await open(page);
    await column(page, 'slow', 'read');
    await settled(page);
    assert.equal((await digitsOf(page, 'slow')).length, AREAS.length - 1);
    assertClean();
  });
});
