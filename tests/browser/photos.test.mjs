// Several photos at once: the film strip, switching, folders, broken ones among them, and saving
// all as one file.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { scratchFolder } from './support/native.mjs';
import { HUGE_HEADER, png } from './support/oddfiles.mjs';
import { decode, difference } from './support/pixels.mjs';
import { boxesOf, openSample, sample } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  LIMIT_MILLISECONDS,
  engineReady,
  message,
  occupyEngine,
  settled,
  until,
  withPageServed,
} from './support/session.mjs';
import {
  areaOf,
  boxes,
  choose,
  chooseSaving,
  draw,
  drawAll,
  dropFiles,
  dropText,
  houseNumber,
  photoShown,
  photos,
  save,
  saveAs,
} from './support/stage.mjs';
import { datesIn, unzip } from './support/zip.mjs';

const picture = (name, shade) => ({
  name,
  mimeType: 'image/png',
  buffer: png({ width: 40, height: 30, sample: () => [shade, 90, 60] }),
});

/** Takes a sample that comes only when the function that this gives is called. */
async function samplesThatWait(page) {
  const button = page.getByTestId('sample').first();
  await button.locator('img').evaluate((image) => image.decode());
  let give;
  const given = new Promise((resolve) => {
    give = resolve;
  });
  await page.route('**/samples/*.jpg', async (route) => {
    await given;
    await route.continue();
  });
  await Promise.all([page.waitForRequest(/samples\/.+\.jpg$/), button.click()]);
  return give;
}

describe('photos', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  test('several are queued, switched between and closed, each with its own boxes', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await choose(page, ['door-606', 'tiles-52', 'enamel-143'].map(sample));
    await photoShown(page, 'door-606.jpg');
    await settled(page);
    assert.deepEqual(await photos(page), [
      { name: 'door-606.jpg', state: 'untouched', open: true },
      { name: 'tiles-52.jpg', state: 'untouched', open: false },
      { name: 'enamel-143.jpg', state: 'untouched', open: false },
    ]);
    await engineReady(page);
    const [first] = boxesOf('door-606');
    await drawAll(page, [first]);
    await settled(page);
    assert.equal((await photos(page))[0].state, 'unfinished');

    await page.keyboard.press(']');
    await photoShown(page, 'tiles-52.jpg');
    await settled(page);
    assert.deepEqual(await boxes(page), []);
    await drawAll(page, boxesOf('tiles-52'));
    await settled(page);
    const undo = page.getByTestId('undo');
    assert.ok(await undo.isEnabled());

    await page.keyboard.press('PageUp');
    await photoShown(page, 'door-606.jpg');
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), [first]);
    assert.ok(await undo.isEnabled(), 'the way back is kept, too');
    await page.keyboard.press('[');
    await photoShown(page, 'door-606.jpg');

    // The strip by keyboard: one stop, then arrows, which leave the boxes alone.
    await page.getByTestId('photo').first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await photoShown(page, 'enamel-143.jpg');
    await page.keyboard.press('Delete');
    await photoShown(page, 'tiles-52.jpg');
    assert.equal((await photos(page)).length, 2);
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), boxesOf('tiles-52'));

    // What was not saved is asked about.
    const asked = [];
    page.on('dialog', (dialog) => {
      asked.push(dialog.message());
      return asked.length === 1 ? dialog.dismiss() : dialog.accept();
    });
    const close = page.getByRole('button', { name: 'Close tiles-52.jpg' });
    await close.click();
    assert.equal((await photos(page)).length, 2);
    await close.click();
    await photoShown(page, 'door-606.jpg');
    assert.match(asked[0], /Close tiles-52\.jpg\? It has 2 boxes, not saved/);
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), [first]);
    session.assertClean();
  });

  test('boxes show no reading of another photo while theirs is on its way', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    await choose(page, ['door-606', 'enamel-143'].map(sample));
    await photoShown(page, 'door-606.jpg');
    await drawAll(page, boxesOf('door-606'));
    await settled(page);
    await page.keyboard.press(']');
    await photoShown(page, 'enamel-143.jpg');
    await drawAll(page, boxesOf('enamel-143'));
    await settled(page);
    const free = occupyEngine(page, 6_000);
    await page.keyboard.press('[');
    await photoShown(page, 'door-606.jpg');
    const digits = (await boxes(page)).map(({ digit }) => digit);
    await free;
    assert.deepEqual(digits, [null, null, null]);
    session.assertClean();
  });

  test('of twenty at once three are broken and named, the rest goes on', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    const good = Array.from({ length: 17 }, (_, i) => picture(`good-${i}.png`, 10 * i));
    const bad = [
      { name: 'empty.png', mimeType: 'image/png', buffer: Buffer.alloc(0) },
      { name: '<b>notes</b>.png', mimeType: 'image/png', buffer: Buffer.from('no picture') },
      { name: 'huge.png', mimeType: 'image/png', buffer: HUGE_HEADER },
    ];
    await choose(page, [bad[0], ...good.slice(0, 9), bad[1], ...good.slice(9), bad[2]]);
    const text = await message(page, 'Not opened, 3 of 20 files');
    for (const { name } of bad) assert.ok(text.includes(name), text);
    await photoShown(page, 'good-0.png');
    await engineReady(page);
    await settled(page);
    assert.equal((await photos(page)).length, 17);
    assert.equal(await page.locator('.shot-pick img').count(), 17);
    session.assertClean();
  });

  test('one that cannot be decoded is marked and the one before comes back', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    const whole = readFileSync(sample('tiles-52'));
    const half = { name: 'half.jpg', mimeType: 'image/jpeg', buffer: whole.subarray(0, whole.length >> 1) };
    await choose(page, [picture('good.png', 80), half]);
    await photoShown(page, 'good.png');
    await settled(page);
    await page.keyboard.press('PageDown');
    assert.match(await message(page, 'half.jpg'), /cut short/);
    await photoShown(page, 'good.png');
    await settled(page);
    assert.deepEqual(await photos(page), [
      { name: 'good.png', state: 'untouched', open: true },
      { name: 'half.jpg', state: 'failed', open: false },
    ]);
    session.assertClean();
  });

  test('a dropped folder gives its pictures, and those of its folders', async (t) => {
    const folder = join(await scratchFolder(), 'street');
    await mkdir(join(folder, 'more'), { recursive: true });
    await cp(sample('door-606'), join(folder, 'b.jpg'));
    await cp(sample('tiles-52'), join(folder, 'more', 'c.jpg'));
    await writeFile(join(folder, 'a.png'), picture('a.png', 9).buffer);
    await writeFile(join(folder, 'readme.md'), 'no picture');
    await writeFile(join(folder, '.hidden.png'), 'no picture');
    const session = await at.visit(t);
    const { page } = session;
    await dropFiles(session, [folder]);
    await photoShown(page, 'a.png');
    await settled(page);
    assert.deepEqual((await photos(page)).map(({ name }) => name), ['a.png', 'b.jpg', 'c.jpg']);
    session.assertClean();
  });

  test('what is dropped without a picture in it is said, and changes nothing', async (t) => {
    const folder = join(await scratchFolder(), 'empty');
    await mkdir(join(folder, 'more'), { recursive: true });
    await writeFile(join(folder, 'more', 'readme.md'), 'no picture');
    const session = await at.visit(t);
    const { page } = session;
    await choose(page, picture('good.png', 80));
    await photoShown(page, 'good.png');
    await dropFiles(session, [folder]);
    await message(page, 'No photos in this folder. Choose another one.');
    await dropText(session, 'https://example.org/door.jpg');
    await message(page, 'That is not a file. Save the picture first, then drop its file.');
    await engineReady(page);
    await settled(page);
    await photoShown(page, 'good.png');
    assert.deepEqual(await photos(page), [], 'one photo has no film strip');
    assert.ok(await page.locator('.drop-veil').evaluate((veil) => veil.classList.contains('is-hidden')));
    session.assertClean();
  });

  test('a sample that comes late stays behind the photo that was chosen after it', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    const give = await samplesThatWait(page);
    await choose(page, sample('door-606'));
    await photoShown(page, 'door-606.jpg');
    give();
    await page.getByTestId('photo').nth(1).waitFor();
    await settled(page);
    assert.deepEqual(
      (await photos(page)).map(({ open }) => open),
      [true, false],
    );
    await photoShown(page, 'door-606.jpg');
    session.assertClean();
  });

  test('a sample that comes late is shown where what was chosen after it is no photo', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    const give = await samplesThatWait(page);
    await choose(page, { name: 'note.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
    await message(page, 'note.png');
    give();
    await page.locator('.file-stem').waitFor();
    session.assertClean();
  });

  test('the camera gives one more', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    const camera = page.getByTestId('camera-input');
    assert.equal(await camera.getAttribute('capture'), 'environment');
    await camera.setInputFiles(picture('taken.png', 60));
    await photoShown(page, 'taken.png');
    await engineReady(page);
    await settled(page);
    session.assertClean();
  });

  test('a photo of 12,000 pixels height is shown, and its boxes are exact', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    const size = { width: 60, height: 12_000 };
    const tall = png({ ...size, colour: 'grey', sample: (x, y) => (x + y) & 127 });
    await choose(page, { name: 'tall.png', mimeType: 'image/png', buffer: tall });
    await photoShown(page, 'tall.png');
    await engineReady(page);
    await settled(page);
    assert.match(await page.locator('.file-size').innerText(), /60 × 12000/);
    const areas = [5, 5_990, 11_950].map((top) => ({ left: 12, top, width: 30, height: 42 }));
    for (const area of areas) {
      await draw(page, area);
      // Seen while zoomed in: of the whole photo, a pixel of the screen covers twenty.
      assert.deepEqual(areaOf((await boxes(page)).at(-1)), area);
      await page.keyboard.press('0');
    }
    await settled(page);
    assert.match(await houseNumber(page), /^\d \d \d$/);
    const { png: saved } = await save(page, ANSWER_MILLISECONDS);
    const change = difference(decode(saved), decode(tall), areas);
    assert.equal(change.outside, 0);
    assert.ok(change.within > 0, 'each box was filled');
    session.assertClean();
  });

  test('all are saved as one file, and each as if alone', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    // The same name twice, and one without boxes.
    await choose(page, [sample('door-606'), sample('tiles-52')]);
    await photoShown(page, 'door-606.jpg');
    await settled(page);
    await choose(page, picture('plain.png', 70));
    await photoShown(page, 'plain.png');
    await choose(page, sample('door-606'));
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=photo]').length === 4);
    await settled(page);
    const areas = boxesOf('door-606');
    await drawAll(page, areas);
    await settled(page);
    await page.getByTestId('photo').nth(1).click();
    await photoShown(page, 'tiles-52.jpg');
    await drawAll(page, boxesOf('tiles-52'));
    await page.getByTestId('photo').first().click();
    await settled(page);
    await drawAll(page, areas.slice(0, 1));
    await settled(page);

    await chooseSaving(page, { format: 'PNG' });
    const all = page.getByTestId('save-all');
    assert.equal(await all.innerText(), 'Save 3 of 4 photos');
    const [download] = await Promise.all([
      page.waitForEvent('download', { timeout: ANSWER_MILLISECONDS }),
      all.click(),
    ]);
    assert.equal(download.suggestedFilename(), 'doorplate.zip');
    await message(page, 'Saved 3 photos as doorplate.zip.');
    const zip = readFileSync(await download.path());
    for (const date of datesIn(zip)) assert.ok(Math.abs(date - Date.now()) < 600_000, `${date}`);
    const files = unzip(zip);
    const names = [...files.keys()];
    assert.deepEqual(names, [
      'door-606-doorplate.png',
      'tiles-52-doorplate.png',
      'door-606-doorplate-2.png',
    ]);
    const [one, , three] = [...files.values()].map(decode);
    assert.equal(difference(one, three, areas).outside, 0, 'both are the same photo');
    assert.ok(difference(one, three, areas.slice(1)).within > 20, 'with other boxes');
    await photoShown(page, 'door-606.jpg');
    await settled(page);
    const states = (await photos(page)).map(({ state, open }) => (open ? `${state}, open` : state));
    assert.deepEqual(states, ['done, open', 'done', 'untouched', 'done']);
    await page.keyboard.press('Control+z');
    await settled(page);
    assert.equal((await photos(page))[0].state, 'untouched');
    session.assertClean();
  });

  test('saving all can be cancelled', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    await choose(page, ['door-606', 'tiles-52'].map(sample));
    await photoShown(page, 'door-606.jpg');
    await drawAll(page, boxesOf('door-606'));
    await settled(page);
    await page.keyboard.press(']');
    await photoShown(page, 'tiles-52.jpg');
    await drawAll(page, boxesOf('tiles-52'));
    await settled(page);
    await page.getByTestId('save-all').click();
    await page.getByTestId('cancel-saving').click();
    await message(page, 'Cancelled; nothing was saved.');
    await settled(page);
    await photoShown(page, 'tiles-52.jpg');
    session.assertClean();
  });

  test('a photo larger than the browser’s canvases is shown reduced, and saved whole', async (t) => {
    const session = await at.visit(t, {}, '?engine=cpu');
    const { page } = session;
    // As Safari on iPhones: what is drawn on a larger canvas does not come there, in silence.
    await page.addInitScript(() => {
      const most = 16_777_216;
      for (const name of ['drawImage', 'fillRect', 'clearRect', 'putImageData']) {
        const draw = CanvasRenderingContext2D.prototype[name];
        CanvasRenderingContext2D.prototype[name] = function (...all) {
          if (this.canvas.width * this.canvas.height <= most) draw.apply(this, all);
        };
      }
    });
    await page.reload();
    await engineReady(page);
    const size = { width: 5000, height: 4000 };
    const buffer = png({ ...size, sample: (x, y) => [90, 120 + (y % 100), (x % 50) + 60] });
    await choose(page, { name: 'large.png', mimeType: 'image/png', buffer });
    await photoShown(page, 'large.png');
    await draw(page, { left: 2400, top: 1900, width: 160, height: 220 });
    await settled(page);
    for (let i = 0; i < 9; i += 1) await page.keyboard.press('+');
    const shown = () =>
      page.locator('.stage .photo canvas').first().evaluate((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(9, 9, 1, 1);
        return { area: canvas.width * canvas.height, pixel: [...data] };
      });
    await until('it is drawn finely', async () => (await shown()).area > 8_000_000);
    const { area, pixel } = await shown();
    assert.ok(area <= 16_777_216, `${area}`);
    assert.equal(pixel[3], 255, 'it shows');

    const { name, file } = await saveAs(page, { format: 'Own' }, ANSWER_MILLISECONDS);
    assert.equal(name, 'large-doorplate.png');
    const saved = decode(file);
    const box = { left: 2400, top: 1900, width: 160, height: 220 };
    assert.equal(difference(saved, decode(buffer), [box]).outside, 0, 'at full resolution');
    session.assertClean();
  });

  test('closing the last one leaves nothing of it on the page', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    // One that cannot be opened keeps the film strip there, and with it the button to close.
    const whole = readFileSync(sample('tiles-52'));
    const half = { name: 'half.jpg', mimeType: 'image/jpeg', buffer: whole.subarray(0, whole.length >> 1) };
    await choose(page, sample('door-606'));
    await photoShown(page, 'door-606.jpg');
    await choose(page, half);
    await message(page, 'half.jpg');
    await photoShown(page, 'door-606.jpg');
    await drawAll(page, boxesOf('door-606'));
    await settled(page);
    const timing = page.getByTestId('timing');
    assert.equal(await houseNumber(page), '606');
    assert.match(await timing.innerText(), /read .* removed in/);
    await page.keyboard.press('b');
    await page.getByTestId('divider').waitFor();

    page.on('dialog', (dialog) => dialog.accept());
    await page.getByRole('button', { name: 'Close door-606.jpg' }).click();
    await page.getByTestId('sample').first().waitFor();
    assert.equal(await page.locator('.file-stem').count(), 0);
    assert.equal(await page.getByTestId('divider').count(), 0);
    assert.equal(await houseNumber(page), '');
    assert.equal(await timing.innerText(), '');
    assert.equal(await timing.getAttribute('data-read-milliseconds'), null);

    // Nor is it on the next one.
    await choose(page, picture('plain.png', 70));
    await photoShown(page, 'plain.png');
    await settled(page);
    assert.equal(await page.getByTestId('divider').count(), 0);
    assert.deepEqual(await boxes(page), []);
    session.assertClean();
  });
});
