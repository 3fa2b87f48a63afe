// An engine that fails in the middle of the work, by its GPU or altogether: another one takes over,
// and one line says so.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { obstacle } from './support/env.mjs';
import { boxesOf, openSample } from './support/samples.mjs';
import {
  ANSWER_MILLISECONDS,
  LIMIT_MILLISECONDS,
  engineFailed,
  engineReady,
  message,
  openSession,
  settled,
  withPageServed,
} from './support/session.mjs';
import { areaOf, boxes, drawAll, houseNumber } from './support/stage.mjs';

/** Put before the worker's script: keeps the GPU's device at hand. */
const KEEP_DEVICE = `
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...options) {
    self.deviceOfTest = await request.apply(this, options);
    return self.deviceOfTest;
  };
`;

/** Put before the worker's script: once it is doomed, it ends where it would answer. */
const DIE = `
  const answer = self.postMessage.bind(self);
  self.postMessage = (data, ...options) => {
    if (!self.doomed || !data.byteLength) return answer(data, ...options);
    setTimeout(() => { throw new Error('ended by the test'); });
  };
`;

/** Puts lines before the worker's script, those that there are when a worker starts. */
function beforeWorker(page, lines) {
  return page.route('**/engine-start.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: lines() + (await response.text()) });
  });
}

const busy = (page) => page.evaluate(() => document.documentElement.dataset.busy);

describe('a lost GPU', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed({ webgpu: true });
  const [area] = boxesOf('enamel-143');

  for (const inTheMiddle of [false, true]) {
    const when = inTheMiddle ? 'in the middle of an answer' : 'between answers';
    test(`${when}: the CPU takes over and the work goes on`, async (t) => {
      const session = await openSession(t, at.browser, at.server.origin);
      const { page } = session;
      await beforeWorker(page, () => KEEP_DEVICE);
      await session.goto('?engine=webgpu');
      assert.match(await engineReady(page), /Using WebGPU/);
      await openSample(page, 'enamel-143');
      await settled(page);
      const lose = async () => {
        const lost = await Promise.all(
          page.workers().map((worker) =>
            worker.evaluate(() => {
              self.deviceOfTest?.destroy();
              return Boolean(self.deviceOfTest);
            }),
          ),
        );
        assert.ok(lost.includes(true), 'the worker has a device to lose');
      };
      if (!inTheMiddle) await lose();
      await drawAll(page, [area]);
      if (inTheMiddle) {
        assert.equal(await busy(page), 'true', 'an answer is missing');
        await lose();
      }
      // It goes after a few seconds.
      const text = await message(page, /stopped working .+; the CPU has taken over\.$/);
      await settled(page);
      t.diagnostic(String(text));
      const [box] = await boxes(page);
      assert.deepEqual(areaOf(box), area);
      assert.equal(box.digit, 1);
      assert.match(await page.getByTestId('engine-status').innerText(), /Using the CPU/);
    });
  }
});

describe('a slow GPU', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed({ webgpu: true });

  test('is tried while the CPU answers, and only once', async (t) => {
    const session = await openSession(t, at.browser, at.server.origin);
    const { page } = session;
    await session.goto('?engine=auto');
    const status = () => page.getByTestId('engine-status').innerText();
    assert.match(await engineReady(page), /^Using the CPU$/m);
    await openSample(page, 'enamel-143');
    const [area] = boxesOf('enamel-143');
    await drawAll(page, [area]);
    await settled(page);
    assert.match(await status(), /^Using the CPU$/m, 'it is being tried');
    assert.equal((await boxes(page))[0].digit, 1);
    // The next answer after the verdict brings it.
    const late = Date.now() + ANSWER_MILLISECONDS;
    do {
      await page.keyboard.press('ArrowRight');
      await settled(page);
    } while (/^Using the CPU$/m.test(await status()) && Date.now() < late);
    const verdict = await status();
    t.diagnostic(verdict);
    if (/WebGPU/.test(verdict)) return t.skip('this GPU is fast');
    assert.match(verdict, /^Using the CPU: it's faster here$/m);

    await page.reload();
    assert.match(await engineReady(page), /^Using the CPU: it's faster here$/m);
    // What another version of the browser found does not hold.
    await page.evaluate(() => {
      const [key] = Object.keys(localStorage).filter((key) => key.endsWith('slow-gpu'));
      localStorage.setItem(key, `${localStorage.getItem(key)}1`);
    });
    await page.reload();
    assert.match(await engineReady(page), /^Using the CPU$/m);
    session.assertClean();
  });
});

describe('an engine that ends', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed();
  const areas = boxesOf('tiles-52');

  test('in the middle of an answer is replaced, and the answer comes', async (t) => {
    const session = await openSession(t, at.browser, at.server.origin);
    const { page } = session;
    await beforeWorker(page, () => DIE);
    await session.goto('?engine=cpu');
    await engineReady(page);
    await openSample(page, 'tiles-52');
    await drawAll(page, areas.slice(0, 1));
    await settled(page);
    const [worker] = page.workers();
    await worker.evaluate(() => {
      self.doomed = true;
    });
    await drawAll(page, areas.slice(1));
    await message(page, 'The engine stopped. Starting it again (1 of 3).');
    await engineReady(page);
    await settled(page);
    assert.deepEqual((await boxes(page)).map(areaOf), areas);
    assert.match(await houseNumber(page), /^\d\d$/);
    session.assertClean();
  });

  test('again and again is given up; the work stays, and it can be tried again', async (t) => {
    const session = await openSession(t, at.browser, at.server.origin);
    const { page } = session;
    let starts = 0;
    let curse = 'self.doomed = true;';
    await beforeWorker(page, () => {
      starts += 1;
      return DIE + curse;
    });
    await session.goto('?engine=cpu');
    await openSample(page, 'tiles-52');
    await drawAll(page, areas);
    assert.match(await engineFailed(page), /cannot run: .*ended by the test/);
    assert.equal(starts, 4, 'the first and three more');
    assert.deepEqual((await boxes(page)).map(areaOf), areas);
    assert.equal(await houseNumber(page), '??');
    curse = '';
    await page.getByTestId('retry').click();
    await engineReady(page);
    await settled(page);
    assert.match(await houseNumber(page), /^\d\d$/);
    session.assertClean();
  });
});
