// A GPU that is lost in the middle of the work: the CPU takes over, and one line says so.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { obstacle, samples } from './support/env.mjs';
import {
  LIMIT_MILLISECONDS,
  engineReady,
  message,
  openSession,
  settled,
  withPageServed,
} from './support/session.mjs';
import { areaOf, boxes, choose, drawAll, photoShown } from './support/stage.mjs';

/** Put before the worker's script: keeps the GPU's device at hand. */
const KEEP_DEVICE = `
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...options) {
    self.deviceOfTest = await request.apply(this, options);
    return self.deviceOfTest;
  };
`;

describe('a lost GPU', { skip: obstacle, timeout: LIMIT_MILLISECONDS }, () => {
  const at = withPageServed({ webgpu: true });

  test('the CPU takes over and the work goes on', async (t) => {
    const session = await openSession(t, at.browser, at.server.origin);
    const { page } = session;
    await page.route('**/engine-start.js', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: KEEP_DEVICE + (await response.text()) });
    });
    await session.goto('?engine=webgpu');
    assert.match(await engineReady(page), /Runs on WebGPU/);

    const lost = await Promise.all(
      page.workers().map((worker) =>
        worker.evaluate(() => {
          self.deviceOfTest?.destroy();
          return Boolean(self.deviceOfTest);
        }),
      ),
    );
    assert.ok(lost.includes(true), 'the worker has a device to lose');

    const [area] = JSON.parse(readFileSync(join(samples, 'enamel-143.boxes.json'), 'utf8')).boxes;
    await choose(page, join(samples, 'enamel-143.jpg'));
    await photoShown(page, 'enamel-143.jpg');
    await drawAll(page, [areaOf(area)]);
    await settled(page);
    const text = await message(page, /stopped working .+; the CPU has taken over\.$/);
    t.diagnostic(String(text));
    const [box] = await boxes(page);
    assert.equal(box.digit, area.label);
    assert.match(await page.getByTestId('engine-status').innerText(), /Runs on the CPU/);
  });
});
