// What a person does on the stage, and what one sees there.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

import { PAGE_MILLISECONDS, settled } from './session.mjs';

/** Chooses files in the dialog: paths, or `{ name, mimeType, buffer }`; one, or a list. */
export async function choose(page, file) {
  await page.getByTestId('file-input').setInputFiles(file);
}

/** Drops a file on the page, as the desktop would. */
export async function drop(page, path, type) {
  const bytes = (await readFile(path)).toString('base64');
  const transfer = await page.evaluateHandle(
    ([bytes, name, type]) => {
      const data = new DataTransfer();
      const content = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
      data.items.add(new File([content], name, { type }));
      return data;
    },
    [bytes, basename(path), type],
  );
  const stage = page.getByTestId('stage');
  await stage.dispatchEvent('dragenter', { dataTransfer: transfer });
  await stage.dispatchEvent('dragover', { dataTransfer: transfer });
  await page.waitForSelector('.drop-veil:not(.is-hidden)', { timeout: PAGE_MILLISECONDS });
  await stage.dispatchEvent('drop', { dataTransfer: transfer });
}

/** Drops files and folders from the disk, as the desktop would. */
export function dropFiles(session, files) {
  return drag(session, { items: [], files }, ['dragEnter', 'dragOver', 'drop']);
}

/** Drops a piece of text, as another window would. */
export function dropText(session, data) {
  const items = [{ mimeType: 'text/plain', data }];
  return drag(session, { items }, ['dragEnter', 'dragOver', 'drop']);
}

/** Holds a file over the page; gives a function that takes it away again. */
export async function holdOver(session, file) {
  const data = { items: [], files: [file] };
  await drag(session, data, ['dragEnter', 'dragOver']);
  return async () => {
    await drag(session, data, ['dragCancel']);
    // Which the page is not told of by the protocol, unlike by a desktop.
    await session.page.evaluate(() => window.dispatchEvent(new DragEvent('dragleave')));
  };
}

async function drag({ page, context }, data, types) {
  const client = await context.newCDPSession(page);
  for (const type of types) {
    const dragged = { ...data, dragOperationsMask: 1 };
    await client.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data: dragged });
  }
}

/** The film strip: all photos, how far each is, and which one is open. */
export function photos(page) {
  return page.getByTestId('photo').evaluateAll((elements) =>
    elements.map((element) => ({
      name: element.dataset.name,
      state: element.dataset.state,
      open: element.getAttribute('aria-current') === 'true',
    })),
  );
}

/** Waits until a photo of this name is on the stage. */
export async function photoShown(page, name) {
  await page.waitForFunction(
    (name) => document.querySelector('.file-stem')?.textContent === name,
    name,
    { timeout: PAGE_MILLISECONDS },
  );
}

/** Where the photo lies: screen = corner + origin + photo * zoom. */
export async function view(page) {
  return page.evaluate(() => {
    const stage = document.querySelector('[data-testid=stage]').getBoundingClientRect();
    const { transform } = document.querySelector('.stage .photo').style;
    const numbers = transform.match(/-?[\d.]+(?:e-?\d+)?/g).map(Number);
    return {
      left: stage.left + numbers[0],
      top: stage.top + numbers[1],
      zoom: numbers[2],
      stage: { left: stage.left, top: stage.top, right: stage.right, bottom: stage.bottom },
    };
  });
}

/** The screen pixel that the page takes for this corner, if zoom and stage allow. */
function screenPoint({ left, top, zoom, stage }, x, y) {
  const point = { x: Math.round(left + x * zoom), y: Math.round(top + y * zoom) };
  const hits =
    Math.round((point.x - left) / zoom) === x && Math.round((point.y - top) / zoom) === y;
  const within =
    point.x > stage.left && point.x < stage.right && point.y > stage.top && point.y < stage.bottom;
  return hits && within ? point : null;
}

async function zoomAt(page, seen, { left, top, width, height }, delta) {
  await page.mouse.move(
    Math.round(seen.left + (left + width / 2) * seen.zoom),
    Math.round(seen.top + (top + height / 2) * seen.zoom),
  );
  await page.mouse.wheel(0, delta);
  await page.waitForFunction(
    (before) => document.querySelector('.stage .photo').style.transform !== before,
    await page.evaluate(() => document.querySelector('.stage .photo').style.transform),
    { timeout: 300 },
  ).catch(() => {});
}

/**
 * Draws one box with the mouse so that it covers exactly these pixels, zooming in where screen
 * pixels are coarser than the photo's. Shift lets it begin on another box.
 */
export async function draw(page, area, { shift = false } = {}) {
  for (let tries = 0; tries < 12; tries += 1) {
    const seen = await view(page);
    const from = screenPoint(seen, area.left, area.top);
    const to = screenPoint(seen, area.left + area.width, area.top + area.height);
    if (from && to) {
      if (shift) await page.keyboard.down('Shift');
      await page.mouse.move(from.x, from.y);
      await page.mouse.down();
      await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2);
      await page.mouse.move(to.x, to.y);
      await page.mouse.up();
      if (shift) await page.keyboard.up('Shift');
      return;
    }
    await zoomAt(page, seen, area, -250);
  }
  assert.fail(`no zoom shows ${JSON.stringify(area)} finely enough to draw it`);
}

/** Draws all boxes; ends with the photo fitted to the stage again. */
export async function drawAll(page, areas) {
  for (const area of areas) await draw(page, area, { shift: true });
  await page.keyboard.press('0');
}

/** The boxes as the page shows them, in the photo's pixels, in the order they were made. */
export async function boxes(page) {
  const seen = await view(page);
  const shown = await page.getByTestId('box').evaluateAll((elements) =>
    elements.map(({ style, dataset }) => ({
      left: parseFloat(style.left),
      top: parseFloat(style.top),
      width: parseFloat(style.width),
      height: parseFloat(style.height),
      id: Number(dataset.boxId),
      digit: dataset.digit === undefined ? null : Number(dataset.digit),
      confidence: dataset.confidence === undefined ? null : Number(dataset.confidence),
      remove: dataset.remove === 'true',
    })),
  );
  // Screen lengths are given to a tenth of a pixel.
  const whole = (length, from = 0) => Math.round((length - from) / seen.zoom);
  const origin = { left: seen.left - seen.stage.left, top: seen.top - seen.stage.top };
  return shown
    .map((box) => ({
      ...box,
      left: whole(box.left, origin.left),
      top: whole(box.top, origin.top),
      width: whole(box.width),
      height: whole(box.height),
    }))
    .sort((a, b) => a.id - b.id);
}

/** Only where a box lies. */
export const areaOf = ({ left, top, width, height }) => ({ left, top, width, height });

/** The house number as the page shows it. */
export function houseNumber(page) {
  return page.getByTestId('house-number').getAttribute('data-number');
}

/** The photo as the stage shows it, which is at full size where the screen has the pixels for it. */
export async function shownPhoto(page) {
  const pixels = await page.evaluate(() => {
    const canvas = document.querySelector('.stage .photo canvas');
    const context = canvas.getContext('2d');
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let text = '';
    for (let i = 0; i < data.length; i += 8192) {
      text += String.fromCharCode(...data.subarray(i, i + 8192));
    }
    return { width: canvas.width, height: canvas.height, data: btoa(text) };
  });
  return { ...pixels, data: Buffer.from(pixels.data, 'base64') };
}

/** A picture of the stage as it is on screen. */
export async function screenshot(page, locator = page.getByTestId('stage')) {
  // Playwright would hide the caret with a style sheet, which the content policy forbids.
  return locator.screenshot({ caret: 'initial', timeout: PAGE_MILLISECONDS });
}

/** Chooses how photos are saved: `format` (Own, PNG, JPEG, WebP), `metadata`, `quality`. */
export async function chooseSaving(page, { format, metadata, quality }) {
  if (format) await page.getByTestId('save-format').selectOption(format);
  if (metadata) await page.getByTestId('save-metadata').selectOption(metadata);
  if (quality) await page.getByTestId('save-quality').fill(String(quality));
}

/** Saves as a PNG, which tests can decode; gives the file's name and bytes. */
export async function save(page, timeout) {
  const { name, file } = await saveAs(page, { format: 'PNG' }, timeout);
  return { name, png: file };
}

/** Saves by the button; gives the file's name and bytes. */
export async function saveAs(page, choice, timeout) {
  await settled(page);
  await chooseSaving(page, choice);
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout }),
    page.getByTestId('save').click(),
  ]);
  assert.equal(await download.failure(), null);
  return { name: download.suggestedFilename(), file: await readFile(await download.path()) };
}
