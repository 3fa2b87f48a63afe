// Boxes as files of labelling tools: what goes out comes back in, and what is broken is named.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { obstacle, samples } from './support/env.mjs';
import { readNatively, scratchFolder } from './support/native.mjs';
import { boxesOf, openSample, sample } from './support/samples.mjs';
import {
  LIMIT_MILLISECONDS,
  engineReady,
  message,
  settled,
  withPageServed,
} from './support/session.mjs';
import { areaOf, boxes, choose, drawAll, dropFiles, houseNumber, photoShown } from './support/stage.mjs';
import { unzip } from './support/zip.mjs';

const file = (name, text) => ({ name, mimeType: '', buffer: Buffer.from(text) });

/** Entities of entities: a short file that would be a very long one. */
const BOMB = `<!DOCTYPE annotation [<!ENTITY a0 "door">${Array.from(
  { length: 30 },
  (_, i) => `<!ENTITY a${i + 1} "${`&a${i};`.repeat(10)}">`,
).join('')}]>\n<annotation><object><name>&a30;</name></object></annotation>`;

async function exported(page, format) {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: `Save the boxes as ${format}` }).click(),
  ]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

async function deleteAll(page) {
  for (let count = (await boxes(page)).length; count > 0; count -= 1) {
    await page.getByRole('button', { name: /^Delete box/ }).first().click();
  }
  assert.deepEqual(await boxes(page), []);
}

describe('box files', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  test('go out in each format and come back in unchanged, on two photos', async (t) => {
    const folder = await scratchFolder();
    const session = await at.visit(t);
    const { page } = session;
    await engineReady(page);
    const names = ['tiles-52', 'door-606'];
    await choose(page, names.map(sample));
    await photoShown(page, 'tiles-52.jpg');
    await drawAll(page, boxesOf('tiles-52'));
    await settled(page);
    await page.keyboard.press(']');
    await photoShown(page, 'door-606.jpg');
    await drawAll(page, boxesOf('door-606'));
    await settled(page);
    const number = await houseNumber(page);
    await page.getByTestId('more').click();
    for (const format of ['JSON', 'CSV', 'COCO', 'YOLO', 'VOC']) {
      const { name, bytes } = await exported(page, format);
      await message(page, `Boxes saved as ${name}.`);
      let paths = [join(folder, name)];
      if (name.endsWith('.zip')) {
        const unpacked = join(folder, format);
        await mkdir(unpacked);
        for (const [entry, content] of unzip(bytes)) await writeFile(join(unpacked, entry), content);
        paths = [unpacked];
      } else {
        await writeFile(paths[0], bytes);
        // The native program reads the same file.
        const readings = await readNatively(sample('door-606'), paths[0]);
        assert.deepEqual(readings.map(({ box }) => areaOf(box)), boxesOf('door-606'), format);
      }
      for (const key of ['[', ']']) {
        await page.keyboard.press(key);
        await photoShown(page, key === '[' ? 'tiles-52.jpg' : 'door-606.jpg');
        await settled(page);
        await deleteAll(page);
      }
      await dropFiles(session, paths);
      await message(page, '5 boxes on 2 photos taken from the file.');
      await settled(page);
      assert.deepEqual((await boxes(page)).map(areaOf), boxesOf('door-606'), format);
      assert.equal(await houseNumber(page), number, format);
      await page.keyboard.press('[');
      await photoShown(page, 'tiles-52.jpg');
      await settled(page);
      assert.deepEqual((await boxes(page)).map(areaOf), boxesOf('tiles-52'), format);
      await page.keyboard.press(']');
      await photoShown(page, 'door-606.jpg');
      await settled(page);
      const close = page.locator('.message button');
      while (await close.count()) await close.first().click();
    }
    // Taking a file in is a step like any other.
    await page.keyboard.press('Control+z');
    assert.deepEqual(await boxes(page), []);
    session.assertClean();
  });

  test('broken, huge and foreign ones are named with the place, and nothing changes', async (t) => {
    const session = await at.visit(t);
    const { page } = session;
    await choose(page, file('early.json', '{"boxes": []}'));
    await message(page, 'early.json: no photo is open');
    await openSample(page, 'tiles-52');
    await drawAll(page, boxesOf('tiles-52'));
    const many = Array.from({ length: 1001 }, () => '{"left":1,"top":2,"width":9,"height":9}');
    for (const [given, says] of [
      [file('cut.json', '{"boxes": [\n{"left": 1,'), /cut\.json:2: not a boxes file/],
      [file('cut.xml', '<annotation>\n<object></annotation>'), /cut\.xml:2: /],
      [file('words.csv', 'photo,left,top,width,height\ntiles-52.jpg,1,2,x,4\n'), /words\.csv:2: column 4 is "x"/],
      [file('tiles-52.txt', '3 120 40 20 30\n'), /tiles-52\.txt:1: .*fractions?/],
      // Any text may end so: it is a box file if it is named like a photo, or reads as one.
      [file('notes.txt', 'ring twice\n'), /notes\.txt is not a box file\. A YOLO file is named like its photo/],
      [file('empty.txt', ''), /empty\.txt is not a box file/],
      [file('nul.csv', '\u0000\u0001'), /nul\.csv:1: no column/],
      [file('digitStruct.mat', 'MATLAB'), /digitStruct\.mat: .*native program/],
      [file('many.json', `{"boxes": [${many}]}`), /1001 boxes for tiles-52\.jpg; up to 1000/],
      [file('beside.json', '{"boxes": [{"left":9000,"top":2,"width":9,"height":9}]}'), /beside\.json: .*box 1/],
      [file('deep.json', '['.repeat(100_000)), /deep\.json:1: not a boxes file/],
      [file('deep.xml', '<a>'.repeat(100_000)), /deep\.xml:1: /],
      [file('bomb.xml', BOMB), /bomb\.xml:\d+: /],
      [file('long.csv', `photo,left,top,width,height\n${'elsewhere.jpg,1,2,30,40\n'.repeat(50_000)}`), /long\.csv: none of the open photos is in it; it lists elsewhere\.jpg/],
      [file('other.json', '{"photos": [{"photo": "<img src=x onerror=alert(1)>", "boxes": []}]}'), /it lists <img src=x onerror=alert\(1\)>/],
      [{ name: 'huge.csv', mimeType: 'text/csv', buffer: Buffer.alloc(21 * 1024 * 1024, 'a') }, /21 MB; box files may have up to 20 MB/],
    ]) {
      await choose(page, given);
      assert.match(await message(page, given.name), says);
      await page.locator('.message button').last().click();
    }
    await settled(page);
    assert.equal(await page.locator('.messages img').count(), 0, 'markup is text');
    assert.deepEqual((await boxes(page)).map(areaOf), boxesOf('tiles-52'));

    // Labels are what the file calls its boxes; a box is one all the same.
    await choose(page, file('tiles-52.xml', '<annotation><object><name>&lt;b&gt;x&lt;/b&gt;</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>60</xmax><ymax>90</ymax></bndbox></object></annotation>'));
    await message(page, '1 box on 1 photo taken from the file.');
    assert.deepEqual((await boxes(page)).map(areaOf), [{ left: 10, top: 20, width: 50, height: 70 }]);
    session.assertClean();
  });

  test('come with their photos in one drop, and pasted text is passed over', async (t) => {
    const folder = join(await scratchFolder(), 'set');
    await mkdir(folder);
    for (const name of ['tiles-52', 'door-606']) {
      await writeFile(join(folder, `${name}.jpg`), readFileSync(sample(name)));
      await writeFile(join(folder, `${name}.boxes.json`), readFileSync(join(samples, `${name}.boxes.json`)));
    }
    const session = await at.visit(t);
    const { page } = session;
    await dropFiles(session, [folder]);
    await message(page, '5 boxes on 2 photos taken from the file.');
    await photoShown(page, 'door-606.jpg');
    await engineReady(page);
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), boxesOf('door-606'));
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData('text/plain', '{"boxes": []}');
      document.body.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    });
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), boxesOf('door-606'));
    session.assertClean();
  });
});
