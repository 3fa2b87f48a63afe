import { describe, test } from 'node:test';
import { writeFile } from 'node:fs/promises';
import { png } from './support/oddfiles.mjs';
import { obstacle } from './support/env.mjs';
import { stored } from './support/kept.mjs';
import { FIRST as BOX, boxesOf, openSample, sample } from './support/samples.mjs';
import { LIMIT_MILLISECONDS, ANSWER_MILLISECONDS, engineReady, settled, withPageServed, openSession } from './support/session.mjs';
import { areaOf, boxes, choose, draw, drawAll, photoShown, save, screenshot } from './support/stage.mjs';
const WALL = { name: 'wall.png', mimeType: 'image/png', buffer: png({ width: 200, height: 160, sample: (x, y) => [150 + (x >> 4), 140 + (y >> 4), 130] }) };
describe('zz', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();
  test('kept', async (t) => {
    const session = await openSession(t, at.browser, at.server.origin);
    const { page } = session;
    await session.goto('?engine=cpu'); await engineReady(page);
    await choose(page, ['door-606', 'tiles-52'].map(sample)); await photoShown(page, 'door-606.jpg');
    console.log(JSON.stringify(boxesOf('door-606')), JSON.stringify(boxesOf('tiles-52')));
    await drawAll(page, boxesOf('door-606').slice(0, 2)); await settled(page);
    console.log(JSON.stringify(await boxes(page)));
    await page.keyboard.press(']'); await photoShown(page, 'tiles-52.jpg');
    await drawAll(page, boxesOf('tiles-52')); await settled(page);
    console.log(JSON.stringify(await boxes(page)));
    await save(page, ANSWER_MILLISECONDS);
    await new Promise((r) => setTimeout(r, 3000));
    const s = await stored(page); console.log(s.files, s.record.join(' '));
    await page.screenshot({path:'/tmp/w/kept.png'});
  });
  test('wall', async (t) => {
    const session = await at.visit(t); const { page } = session;
    await engineReady(page); await choose(page, WALL); await photoShown(page, 'wall.png');
    await draw(page, { left: 80, top: 50, width: 36, height: 60 }); await settled(page);
    await new Promise((r) => setTimeout(r, 2000));
    await page.screenshot({path:'/tmp/w/wall.png'});
  });
  test('cmp', async (t) => {
    const session = await at.visit(t); const { page } = session; const {keyboard}=page;
    await openSample(page, 'door-606'); await drawAll(page, [BOX]); await engineReady(page); await settled(page);
    await keyboard.press('Escape');
    await writeFile('/tmp/w/c1.png', await screenshot(page));
    await keyboard.press('b'); await keyboard.press('Home'); await keyboard.press('b');
    await writeFile('/tmp/w/c2.png', await screenshot(page));
  });
});
