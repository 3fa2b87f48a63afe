// Saving: each format and each choice of metadata, against what the native program writes; and that
// no canvas has a part in it.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { CAMERA, PANORAMA, PLACE, SECRET, ladenJpeg, ladenPng } from './support/laden.mjs';
import { eraseTo, scratchFolder } from './support/native.mjs';
import { chunk, png } from './support/oddfiles.mjs';
import { decode, difference } from './support/pixels.mjs';
import { boxesOf, openSample, sample } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  LIMIT_MILLISECONDS,
  engineReady,
  message,
  occupyEngine,
  settled,
  withPageServed,
} from './support/session.mjs';
import { boxes, choose, drawAll, photoShown, saveAs, shownPhoto } from './support/stage.mjs';

const NAME = 'tiles-52';
const AREAS = boxesOf(NAME);

/** Opens a file with the sample's boxes. */
async function open(page, path) {
  await choose(page, path);
  await photoShown(page, path.split('/').at(-1));
  await drawAll(page, AREAS);
  await settled(page);
}

/** A picture's file as another format, by the browser. */
async function converted(page, file, type) {
  const base64 = await page.evaluate(
    async ([base64, type]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([bytes]));
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      canvas.getContext('2d').drawImage(picture, 0, 0);
      const blob = await canvas.convertToBlob({ type, quality: 1 });
      let text = '';
      for (const byte of new Uint8Array(await blob.arrayBuffer())) text += String.fromCharCode(byte);
      return btoa(text);
    },
    [file.toString('base64'), type],
  );
  return Buffer.from(base64, 'base64');
}

/** Both are the same file, but for what the two engines may round differently in the boxes. */
async function assertSame(t, page, name, saved, native) {
  assert.ok(Math.abs(saved.length - native.length) <= native.length / 100, name);
  if (saved.equals(native)) {
    t.diagnostic(`${name}: the same ${saved.length} bytes`);
    return;
  }
  const [one, two] = [await converted(page, saved, 'image/png'), await converted(page, native, 'image/png')];
  const change = difference(decode(one), decode(two), AREAS);
  t.diagnostic(`${name}: ${JSON.stringify(change)}`);
  assert.ok(change.within <= 2 && change.near <= 2, `${name}: ${JSON.stringify(change)}`);
  assert.equal(change.outside, 0, name);
}

describe('saving', { skip: obstacle, timeout: LIMIT_MILLISECONDS * 2 }, () => {
  const at = withPageServed();

  test('each format is written as the native program writes it', async (t) => {
    const folder = await scratchFolder();
    const session = await at.visit(t, {}, '?engine=cpu');
    const { page } = session;
    await engineReady(page);
    // The sample in three formats, with nothing removed.
    const photos = { '.jpg': sample(NAME) };
    for (const ending of ['.png', '.webp']) {
      photos[ending] = join(folder, `${NAME}${ending}`);
      const type = `image/${ending.slice(1)}`;
      await writeFile(photos[ending], await converted(page, await readFile(sample(NAME)), type));
    }
    for (const [own, photo] of Object.entries(photos)) {
      await open(page, photo);
      const before = await readFile(photo);
      for (const [format, ending] of [
        ['Own', own],
        ['PNG', '.png'],
        ['JPEG', '.jpg'],
        ['WebP', '.webp'],
      ]) {
        const { name, file } = await saveAs(page, { format }, ANSWER_MILLISECONDS);
        assert.equal(name, `${NAME}-doorplate${ending}`);
        const button = await page.getByTestId('save').innerText();
        const names = { '.jpg': 'JPEG', '.png': 'PNG', '.webp': 'WebP' };
        assert.equal(button, `Save as ${names[ending]}`);
        const quality = await page.getByTestId('save-quality').count();
        assert.equal(quality, format === 'JPEG' && own !== '.jpg' ? 1 : 0, 'a JPEG has its own');
        const native = join(folder, `native${ending}`);
        await eraseTo(folder, native, photo, AREAS);
        await assertSame(t, page, `${own.slice(1)}-as${ending}`, file, await readFile(native));
        if (extname(photo) === '.jpg' && ending === '.jpg') {
          const share = file.length / before.length;
          assert.ok(share > 0.9 && share < 1.01, `a JPEG stays as large: ${share}`);
        }
      }
    }
    session.assertClean();
  });

  test('metadata are kept as chosen, and what was left out is said', async (t) => {
    const folder = await scratchFolder();
    const session = await at.visit(t, {}, '?engine=cpu');
    const { page } = session;
    await engineReady(page);
    const plain = await converted(page, await readFile(sample(NAME)), 'image/png');
    const photos = {
      'laden.jpg': ladenJpeg(await readFile(sample(NAME))),
      'laden.png': ladenPng(plain),
    };
    for (const [photo, bytes] of Object.entries(photos)) {
      const path = join(folder, photo);
      await writeFile(path, bytes);
      await open(page, path);
      for (const metadata of ['none', 'no-place', 'all']) {
        for (const format of ['Own', 'WebP']) {
          const name = `${photo}, ${metadata}, ${format}`;
          const saved = await saveAs(page, { format, metadata }, ANSWER_MILLISECONDS);
          const { file } = saved;
          assert.ok(!file.includes(SECRET), `${name}: no copy of the photo as it was`);
          assert.ok(file.includes(PANORAMA), `${name}: a panorama stays one`);
          assert.equal(file.includes(CAMERA), metadata !== 'none', name);
          assert.equal(file.includes('MAPCaptureTime'), metadata !== 'none', name);
          assert.equal(file.includes(PLACE), metadata === 'all', name);
          assert.equal(file.includes('MAPLatitude'), metadata === 'all', name);
          const said = await message(page, `Saved as ${saved.name}.`);
          assert.match(said, /Left out: .*preview/, name);
          assert.equal(/Left out: .*place/.test(said), metadata !== 'all', name);
          if (format === 'Own') {
            const native = join(folder, `native-${photo}`);
            const { metadata_left_out: left } = await eraseTo(folder, native, path, AREAS, ['--metadata', metadata]);
            assert.ok(left.includes('preview'), name);
            await assertSame(t, page, `${metadata}-${photo}`, file, await readFile(native));
          }
          if (format === 'Own' && photo === 'laden.png') {
            assert.ok(file.includes('gAMA') && file.includes('pHYs'), name);
          }
        }
      }
    }
    session.assertClean();
  });

  test('the choice is kept, and a lower quality is a smaller file', async (t) => {
    const folder = await scratchFolder();
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    const plain = await converted(page, await readFile(sample(NAME)), 'image/png');
    await writeFile(join(folder, 'plain.png'), plain);
    await open(page, join(folder, 'plain.png'));
    const fine = await saveAs(page, { format: 'JPEG', metadata: 'no-place' }, ANSWER_MILLISECONDS);
    const rough = await saveAs(page, { format: 'JPEG', quality: 40 }, ANSWER_MILLISECONDS);
    assert.ok(rough.file.length < fine.file.length / 1.5, `${rough.file.length}, ${fine.file.length}`);
    await page.reload();
    if (!(await page.locator('.file-stem').count())) await openSample(page, NAME);
    assert.equal(await page.getByTestId('save-format').inputValue(), 'JPEG');
    assert.equal(await page.getByTestId('save-metadata').inputValue(), 'no-place');
    session.assertClean();
  });

  test('pixels of canvases, which some browsers alter, are not what is saved', async (t) => {
    const folder = await scratchFolder();
    const session = await at.visit(t, {}, '?engine=cpu');
    const { page } = session;
    // As Brave, and Firefox with resistFingerprinting.
    await page.addInitScript(() => {
      const read = CanvasRenderingContext2D.prototype.getImageData;
      CanvasRenderingContext2D.prototype.getImageData = function (...all) {
        const pixels = read.apply(this, all);
        for (let i = 0; i < pixels.data.length; i += 7) pixels.data[i] ^= 1;
        return pixels;
      };
      HTMLCanvasElement.prototype.toBlob = () => {
        throw new Error('a canvas was asked for its file');
      };
    });
    await page.reload();
    await engineReady(page);
    await open(page, sample(NAME));
    for (const [format, ending] of [['Own', '.jpg'], ['PNG', '.png']]) {
      const { file } = await saveAs(page, { format }, ANSWER_MILLISECONDS);
      const native = join(folder, `native${ending}`);
      await eraseTo(folder, native, sample(NAME), AREAS);
      await assertSame(t, page, `altered${ending}`, file, await readFile(native));
    }
    session.assertClean();
  });

  test('a photo of other colours shows its fill in them', async (t) => {
    const session = await at.visit(t, {}, '?engine=cpu');
    const { page } = session;
    await engineReady(page);
    // A flat wall with a stroke, much darker by its gamma than its numbers say.
    const stroke = (x, y) => x >= 42 && x < 50 && y >= 20 && y < 60;
    const wall = png({ width: 96, height: 80, sample: (x, y) => (stroke(x, y) ? [20, 20, 30] : [150, 120, 90]) });
    const gamma = chunk('gAMA', Buffer.from([0, 0, 0x75, 0x30]));
    const buffer = Buffer.concat([wall.subarray(0, 33), gamma, wall.subarray(33)]);
    await choose(page, { name: 'gamma.png', mimeType: 'image/png', buffer });
    await photoShown(page, 'gamma.png');
    await drawAll(page, [{ left: 34, top: 14, width: 24, height: 52 }]);
    await settled(page);
    assert.equal((await boxes(page)).length, 1);
    const { width, data } = await shownPhoto(page);
    const pixel = (x, y) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
    const [fill, beside] = [pixel(46, 40), pixel(10, 40)];
    assert.notDeepEqual(beside, [150, 120, 90], 'this browser minds the gamma');
    for (const channel of [0, 1, 2]) {
      assert.ok(Math.abs(fill[channel] - beside[channel]) <= 4, `${fill} beside ${beside}`);
    }
    session.assertClean();
  });

  test('a HEIC, which browsers do not show, is shown by the engine and saved as JPEG', async (t) => {
    const folder = await scratchFolder();
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    // Written with heifer's encoder (quality 70) from the sample of this name.
    const path = join(import.meta.dirname, 'fixtures', 'enamel-143.heic');
    await choose(page, path);
    await photoShown(page, 'enamel-143.heic');
    const areas = boxesOf('enamel-143');
    await drawAll(page, areas);
    await settled(page);
    const shown = await shownPhoto(page);
    assert.deepEqual([shown.width, shown.height], [640, 430]);
    for (const [format, ending] of [['Own', '.jpg'], ['PNG', '.png']]) {
      const { name, file } = await saveAs(page, { format }, ANSWER_MILLISECONDS);
      assert.equal(name, `enamel-143-doorplate${ending}`);
      const native = join(folder, `native${ending}`);
      await eraseTo(folder, native, path, areas);
      await assertSame(t, page, name, file, await readFile(native));
    }
    session.assertClean();
  });

  test('a second Ctrl+S while the file is being made does not disturb the first', async (t) => {
    const session = await at.visit(t, {}, '?engine=cpu');
    const { page } = session;
    await engineReady(page);
    await open(page, sample(NAME));
    const downloads = [];
    page.on('download', (download) => downloads.push(download.suggestedFilename()));
    const said = () => page.getByTestId('message').allInnerTexts();
    const free = occupyEngine(page, 3_000);
    await page.keyboard.press('Control+s');
    await page.keyboard.press('Control+s');
    assert.equal(await page.getByTestId('save').innerText(), 'Making the picture…');
    assert.deepEqual(await said(), [], 'the first one is still being made');
    await free;
    await message(page, `Saved as ${NAME}-doorplate.jpg.`);
    await settled(page);
    assert.equal((await said()).length, 1, JSON.stringify(await said()));
    assert.deepEqual(downloads, [`${NAME}-doorplate.jpg`]);
    session.assertClean();
  });
});
