// Reading on the CPU in the browser beside onnxruntime-web (wasm with SIMD, one thread): the same
// network and weights, the same digits, the same page.
//   make bench-browser
// Prints milliseconds (the median of the rounds) for 1 and for 32 digits, and the ratio. Doorplate's
// time has the cutting of the crops in it, onnxruntime's is its session's run alone.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import pngjs from 'pngjs';

import { dist, obstacle, program } from '../../tests/browser/support/env.mjs';
import { serve } from '../../tests/browser/support/native.mjs';
import { engineReady, launch, settled } from '../../tests/browser/support/session.mjs';
import { choose, drawAll, photoShown } from '../../tests/browser/support/stage.mjs';

const SIDE = 40;
const ROUNDS = 15;

if (obstacle) {
  console.error(obstacle);
  process.exit(2);
}

/** A photo of noise, and boxes on it as large as the network's input: their crops are exact. */
function digits() {
  const png = new pngjs.PNG({ width: 8 * SIDE + 40, height: 4 * SIDE + 40 });
  let state = 1;
  for (let i = 0; i < png.data.length; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    png.data[i] = i % 4 === 3 ? 255 : state >>> 24;
  }
  const areas = Array.from({ length: 32 }, (_, i) => ({
    left: 8 + (i % 8) * SIDE,
    top: 8 + Math.floor(i / 8) * SIDE,
    width: SIDE,
    height: SIDE,
  }));
  return { png, areas };
}

/** The samples of one box: grey, 0 to 1. */
function inputOf({ data, width }, { left, top }) {
  return Array.from({ length: SIDE * SIDE }, (_, i) => {
    const at = 4 * ((top + Math.floor(i / SIDE)) * width + left + (i % SIDE));
    const [r, g, b] = data.subarray(at, at + 3);
    return (0.299 * r + 0.587 * g + 0.114 * b) / 255;
  });
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const folder = await mkdtemp(join(tmpdir(), 'doorplate-bench-'));
// Not links, which the server does not follow out of its folder.
await cp(dist, folder, { recursive: true });
const runtime = new URL('node_modules/onnxruntime-web/dist/', import.meta.url).pathname;
await mkdir(join(folder, 'ort'));
for (const name of ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']) {
  await copyFile(join(runtime, name), join(folder, 'ort', name));
}
const manifest = JSON.parse(await readFile(join(dist, 'models/manifest.json'), 'utf8'));
const [model] = manifest.models;
const exported = ['export', '--models', join(dist, 'models'), '--model', model.name];
await promisify(execFile)(program, [...exported, '--onnx', join(folder, 'ort/model.onnx')]);

const server = await serve(folder);
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/?engine=cpu`);
  await engineReady(page);
  const { png, areas } = digits();
  const buffer = pngjs.PNG.sync.write(png);
  await choose(page, { name: 'noise.png', mimeType: 'image/png', buffer });
  await photoShown(page, 'noise.png');
  await page.keyboard.press('r');

  await page.evaluate(async () => {
    const ort = await import('./ort/ort.wasm.min.mjs');
    ort.env.wasm.numThreads = 1;
    window.session = await ort.InferenceSession.create('./ort/model.onnx');
    window.runOnnx = async (values, count, side, rounds) => {
      const samples = new ort.Tensor('float32', Float32Array.from(values), [count, 1, side, side]);
      const times = [];
      let logits;
      for (let round = 0; round < rounds; round += 1) {
        const begun = performance.now();
        logits = (await window.session.run({ samples }, ['logits'])).logits.data;
        times.push(performance.now() - begun);
      }
      return { times, logits: Array.from(logits) };
    };
  });

  console.log(`${model.name} (${model.architecture}), milliseconds, median of ${ROUNDS} rounds`);
  console.log('digits      doorplate  onnxruntime-web   ratio');
  for (const count of [1, 32]) {
    const boxes = areas.slice(0, count);
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await drawAll(page, boxes);
    // Kept, so that nothing but the reading is in progress.
    await page.keyboard.press('Control+a');
    await page.keyboard.press('r');
    await settled(page);
    const values = boxes.flatMap((area) => inputOf(png, area));
    const { logits } = await page.evaluate(([v, n, s]) => window.runOnnx(v, n, s, 3), [values, count, SIDE]);
    const shown = await page.getByTestId('box').evaluateAll((all) =>
      all.map((box) => [Number(box.dataset.digit), Number(box.dataset.confidence)]),
    );
    for (const [i, [digit, confidence]] of shown.entries()) {
      const powers = logits.slice(10 * i, 10 * i + 10).map(Math.exp);
      const expected = powers[digit] / powers.reduce((sum, power) => sum + power);
      assert.ok(Math.abs(expected - confidence) < 2e-3, `box ${i}: ${confidence}, not ${expected}`);
    }
    const own = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await page.keyboard.press(round % 2 ? 'ArrowUp' : 'Shift+ArrowDown');
      await settled(page);
      own.push(Number(await page.getByTestId('timing').getAttribute('data-read-milliseconds')));
      // Each place is read once; the next round goes to a new one.
    }
    const { times } = await page.evaluate(
      ([v, n, s, r]) => window.runOnnx(v, n, s, r),
      [values, count, SIDE, ROUNDS],
    );
    const [ours, theirs] = [median(own), median(times)];
    const row = [ours.toFixed(2).padStart(13), theirs.toFixed(2).padStart(17)];
    console.log(`${String(count).padEnd(8)}${row.join('')}${(theirs / ours).toFixed(2).padStart(8)}`);
  }
} finally {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
