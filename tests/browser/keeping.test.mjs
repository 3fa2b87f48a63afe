// The work is kept in the browser: after a reload, in two tabs, without storage, until forgotten.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { stored, workKept } from './support/kept.mjs';
import { scratchFolder } from './support/native.mjs';
import { FIRST, SECOND, boxesOf, openSample, sample } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  LIMIT_MILLISECONDS,
  engineReady,
  message,
  openSession,
  settled,
  until,
  withPageServed,
  withoutStorage,
} from './support/session.mjs';
import { areaOf, boxes, choose, drawAll, houseNumber, photoShown, photos, save } from './support/stage.mjs';

/** What the page kept before it had a brush, and the key of the photo's file in it. */
const RECORD_1 =
  'AQ8xNzk1NDAxNDE3NTcyLTEMZG9vci02MDYuanBn2ATCAwLyAaMBRW0BAQjsAqEBR24BAALyAaMBRW0G7AKhAUduBgABAA==';
const RECORD_1_KEY = '1795401417572-1';

/** A box as it is removed: grown by a tenth of its height on each side. */
function grown({ left, top, width, height }) {
  const by = Math.round(height / 10);
  return { left: left - by, top: top - by, width: width + 2 * by, height: height + 2 * by };
}

/** Two photos, the second open with its boxes. */
async function begin(page) {
  await choose(page, ['door-606', 'tiles-52'].map(sample));
  await photoShown(page, 'door-606.jpg');
  await drawAll(page, boxesOf('door-606').slice(0, 2));
  await settled(page);
  await page.keyboard.press(']');
  await photoShown(page, 'tiles-52.jpg');
  await drawAll(page, boxesOf('tiles-52'));
  await settled(page);
}

describe('kept work', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();

  test('is there after a reload, and gone when it is discarded or forgotten', async (t) => {
    const session = await openSession(t, at.browser, at.server.origin);
    const { page } = session;
    const asked = [];
    page.on('dialog', (dialog) => {
      asked.push(`${dialog.type()}: ${dialog.message()}`);
      return dialog.accept();
    });
    await session.goto('?engine=cpu');
    await engineReady(page);
    await begin(page);
    await save(page, ANSWER_MILLISECONDS);
    await message(page, 'Saved as tiles-52-doorplate.png.');
    await workKept(page, { files: 2, areas: boxesOf('door-606').slice(0, 2), times: 2 });
    await workKept(page, { files: 2, areas: boxesOf('tiles-52'), times: 2 });
    await workKept(page, { files: 2, areas: boxesOf('tiles-52').map(grown) });
    await page.reload();
    await photoShown(page, 'tiles-52.jpg');
    await page.getByTestId('restored').waitFor();
    assert.deepEqual(asked, [], 'nothing was lost, so nothing is asked');
    await engineReady(page);
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), boxesOf('tiles-52'));
    assert.deepEqual(await photos(page), [
      { name: 'door-606.jpg', state: 'unfinished', open: false },
      { name: 'tiles-52.jpg', state: 'done', open: true },
    ]);
    await page.keyboard.press('[');
    await photoShown(page, 'door-606.jpg');
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), boxesOf('door-606').slice(0, 2));

    await page.getByTestId('discard').click();
    await page.getByTestId('sample').first().waitFor();
    await workKept(page, { files: 0 });
    await page.reload();
    await page.getByTestId('sample').first().waitFor();
    assert.equal(await page.getByTestId('restored').count(), 0);

    await openSample(page, 'door-606');
    await drawAll(page, boxesOf('door-606'));
    await workKept(page, { files: 1, areas: boxesOf('door-606') });
    await page.getByTestId('more').click();
    await page.getByTestId('forget').click();
    assert.match(asked[0], /confirm: Delete all photos and boxes\? Not saved yet: 1\./);
    await workKept(page, { files: 0 });
    session.assertClean();
  });

  test('does not take the stage from a photo that is chosen while it comes back', async (t) => {
    const session = await openSession(t, at.browser, at.server.origin);
    const { page } = session;
    await session.goto('?engine=cpu');
    await engineReady(page);
    await openSample(page, 'door-606');
    await workKept(page, { files: 1 });
    await page.addInitScript(() => {
      // Coming back begins with this lock, and waits here until the test says so.
      const request = LockManager.prototype.request;
      const goesOn = new Promise((resolve) => {
        globalThis.comeBack = resolve;
      });
      LockManager.prototype.request = async function (...all) {
        await goesOn;
        return request.apply(this, all);
      };
    });
    // On the stage, and in the strip.
    const isOpen = async (name) => {
      await photoShown(page, name);
      await page.locator(`[data-testid=photo][data-name="${name}"][aria-current=true]`).waitFor();
    };
    await page.reload();
    await openSample(page, 'tiles-52');
    await page.evaluate(() => globalThis.comeBack());
    await page.getByTestId('restored').waitFor();
    await settled(page);
    await isOpen('tiles-52.jpg');
    await workKept(page, { files: 2 });

    // Chosen first, but read so slowly that the last work is there before it.
    await page.reload();
    await page.getByTestId('stage').waitFor();
    await page.evaluate(() => {
      const { slice } = Blob.prototype;
      Blob.prototype.slice = function (...all) {
        const part = slice.apply(this, all);
        const read = part.arrayBuffer.bind(part);
        part.arrayBuffer = async () => {
          await new Promise((resolve) => {
            globalThis.readOn = resolve;
          });
          return read();
        };
        return part;
      };
    });
    await choose(page, sample('boards-1906'));
    await page.waitForFunction(() => globalThis.readOn);
    await page.evaluate(() => globalThis.comeBack());
    await isOpen('tiles-52.jpg');
    await page.evaluate(() => globalThis.readOn());
    await photoShown(page, 'boards-1906.jpg');
    await settled(page);
    await isOpen('boards-1906.jpg');
    session.assertClean();
  });

  test('is taken up from what an earlier version kept', async (t) => {
    const session = await openSession(t, at.browser, at.server.origin);
    const { page } = session;
    await session.goto('?engine=cpu');
    await engineReady(page);
    // A record of version 1: door-606 with two boxes, the first one's digit corrected to 8.
    const photo = readFileSync(sample('door-606')).toString('base64');
    await page.evaluate(
      async ([record, key, photo]) => {
        const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        const request = indexedDB.open('doorplate');
        await new Promise((resolve) => {
          request.onsuccess = resolve;
        });
        const change = request.result.transaction(['work', 'files'], 'readwrite');
        change.objectStore('work').clear();
        change.objectStore('work').put(bytes(record), 'record-1');
        change.objectStore('files').put(new Blob([bytes(photo)], { type: 'image/jpeg' }), key);
        await new Promise((resolve) => {
          change.oncomplete = resolve;
        });
        request.result.close();
      },
      [RECORD_1, RECORD_1_KEY, photo],
    );
    await page.reload();
    await photoShown(page, 'door-606.jpg');
    await engineReady(page);
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), [FIRST, SECOND]);
    assert.equal(await houseNumber(page), '86');
    await workKept(page, { files: 1, areas: [FIRST, SECOND] });
    await page.reload();
    await photoShown(page, 'door-606.jpg');
    assert.equal((await boxes(page)).length, 2, 'and kept as this version does');
    session.assertClean();
  });

  test('is that of one tab; the second says so, and asks before it is left', async (t) => {
    const session = await at.visit(t);
    const { page, context } = session;
    await engineReady(page);
    await openSample(page, 'door-606');
    await workKept(page, { files: 1 });

    const second = await context.newPage();
    await second.goto(`${at.server.origin}/?engine=cpu`);
    await choose(second, sample('tiles-52'));
    await message(second, "Doorplate is open in another tab. Work here won't be saved.");
    await photoShown(second, 'tiles-52.jpg');
    await engineReady(second);
    await settled(second);
    await second.bringToFront();
    await drawAll(second, boxesOf('tiles-52'));
    await settled(second);
    const leave = second.waitForEvent('dialog');
    const closed = second.close({ runBeforeUnload: true });
    const dialog = await leave;
    assert.equal(dialog.type(), 'beforeunload');
    await dialog.accept();
    await closed;

    assert.equal((await stored(page)).files, 1, "the first tab's photo alone");
    await page.reload();
    await photoShown(page, 'door-606.jpg');
    assert.equal(await page.getByTestId('photo').count(), 0, 'a single photo has no film strip');
    session.assertClean();
  });

  for (const [what, spoil, says, tries] of [
    [
      'forbidden',
      () => {
        globalThis.tries = 0;
        IDBFactory.prototype.open = () => {
          globalThis.tries += 1;
          throw new DOMException('forbidden', 'SecurityError');
        };
      },
      'This browser does not let Doorplate keep your work',
      // Once, at the start.
      1,
    ],
    [
      'full',
      () => {
        globalThis.tries = 0;
        IDBObjectStore.prototype.put = () => {
          globalThis.tries += 1;
          throw new DOMException('full', 'QuotaExceededError');
        };
      },
      'no room to keep',
      // Two photos and the record of them; the record again after the change.
      4,
    ],
  ]) {
    test(`storage that is ${what} is said once, and everything else works`, async (t) => {
      const session = await openSession(t, at.browser, at.server.origin);
      const { page } = session;
      await page.addInitScript(spoil);
      await session.goto('?engine=cpu');
      await engineReady(page);
      await choose(page, ['door-606', 'tiles-52'].map(sample));
      await message(page, says);
      await photoShown(page, 'door-606.jpg');
      await drawAll(page, boxesOf('door-606').slice(0, 1));
      await settled(page);
      await save(page, ANSWER_MILLISECONDS);
      await until('it is tried again', () => page.evaluate((n) => globalThis.tries >= n, tries));
      const lines = await page.getByTestId('message').allInnerTexts();
      assert.equal(lines.filter((line) => line.includes(says)).length, 1, lines.join('\n'));
      session.assertClean();
    });
  }

  test('a browser that forbids all storage does the work, and says so', async (t) => {
    const browser = await withoutStorage(await scratchFolder());
    const session = await openSession(t, browser, at.server.origin);
    const { page } = session;
    await session.goto('?engine=cpu');
    const forbidden = await page.evaluate(() => {
      try {
        return !localStorage;
      } catch (error) {
        return error.name === 'SecurityError';
      }
    });
    assert.ok(forbidden, 'the setting holds');
    await page.getByTestId('theme').click();
    await openSample(page, 'tiles-52');
    await engineReady(page);
    // It finds the number by itself: there is nowhere to keep that it should not.
    await until('the number is found', async () => (await houseNumber(page)) === '52');
    await settled(page);
    assert.ok((await save(page, ANSWER_MILLISECONDS)).png.length > 0);
    await message(page, 'This browser does not let Doorplate keep your work. Save before you leave.');
    session.assertClean();
  });
});
