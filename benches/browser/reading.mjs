// Reading on the CPU in the browser beside onnxruntime-web (wasm with SIMD, one thread): the same
// network and weights, the same digits, the same page.
//   make bench-browser                  # the default model; MODEL=convnet128 measures another one
// Prints milliseconds (the median of the rounds) for 1 and for 32 digits, and the ratio. Doorplate's
// time has the cutting of the crops in it, onnxruntime's is its session's run alone, on noise. That both
// compute the same is what tests/onnx.rs compares.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import pngjs from 'pngjs';

import { dist, obstacle, program } from '../../tests/browser/support/env.mjs';
import { serve } from '../../tests/browser/support/native.mjs';
import { engineReady, launch, settled } from '../../tests/browser/support/session.mjs';
import { choose, drawAll, photoShown } from '../../tests/browser/support/stage.mjs';

const ROUNDS = 15;
/** The boxes' sides, in pixels. Wider ones would be searched for several digits first. */
const [WIDTH, HEIGHT] = [24, 40];

if (obstacle) {
  console.error(obstacle);
  process.exit(2);
}

/** Bytes that look random, the same in every run. */
function noise(count) {
  let state = 1;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** A photo of noise, and boxes on it. */
function digits() {
  const png = new pngjs.PNG({ width: 8 * WIDTH + 40, height: 4 * HEIGHT + 40 });
  noise(png.data.length).forEach((byte, i) => (png.data[i] = i % 4 === 3 ? 255 : byte));
  const areas = Array.from({ length: 32 }, (_, i) => ({
    left: 8 + (i % 8) * WIDTH,
    top: 8 + Math.floor(i / 8) * HEIGHT,
    width: WIDTH,
    height: HEIGHT,
  }));
  return { png, areas };
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
const named = process.env.MODEL ?? manifest.models[0].name;
const model = manifest.models.find(({ name }) => name === named);
assert.ok(model, `models/manifest.json has no ${named}`);
// The page reads with the first one.
manifest.models = [model];
for (const ending of ['.br', '.gz']) await rm(join(folder, `models/manifest.json${ending}`), { force: true });
await writeFile(join(folder, 'models/manifest.json'), JSON.stringify(manifest));
const [, side, colours] = model.input.match(/^(\d+) x \d+ (grey|RGB)/);
/** The shape of one digit's input: channels, rows, columns. */
const shape = [colours === 'RGB' ? 3 : 1, Number(side), Number(side)];
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
    window.runOnnx = async (values, shape, rounds) => {
      const samples = new ort.Tensor('float32', Float32Array.from(values), shape);
      const times = [];
      for (let round = 0; round < rounds; round += 1) {
        const begun = performance.now();
        await window.session.run({ samples }, ['logits']);
        times.push(performance.now() - begun);
      }
      return times;
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
    const own = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await page.keyboard.press(round % 2 ? 'ArrowUp' : 'Shift+ArrowDown');
      await settled(page);
      own.push(Number(await page.getByTestId('timing').getAttribute('data-read-milliseconds')));
      // Each place is read once; the next round goes to a new one.
    }
    const batch = [count, ...shape];
    const values = Array.from(noise(batch.reduce((a, b) => a * b)), (byte) => byte / 255);
    // The first rounds are for the engine to warm up in, as Doorplate has read before.
    await page.evaluate(([v, s]) => window.runOnnx(v, s, 3), [values, batch]);
    const times = await page.evaluate(([v, s, r]) => window.runOnnx(v, s, r), [values, batch, ROUNDS]);
    const [ours, theirs] = [median(own), median(times)];
    const row = [ours.toFixed(2).padStart(13), theirs.toFixed(2).padStart(17)];
    console.log(`${String(count).padEnd(8)}${row.join('')}${(theirs / ours).toFixed(2).padStart(8)}`);
  }
} finally {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
