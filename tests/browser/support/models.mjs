// Sites with models and files of their own.
import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { dist } from './env.mjs';
import { finish, scratchFolder } from './native.mjs';

export const MANIFEST = 'manifest.json';

/**
 * A dist whose models can be changed; the rest is the real one's. It has one model and, unless
 * `strokes`, no stroke network, so that what is removed depends on the model.
 */
export async function siteWithOwnModels({ strokes = false } = {}) {
  const folder = await scratchFolder();
  const published = join(dist, 'models');
  // Not links, which the server does not follow out of its folder.
  await cp(dist, folder, { recursive: true, filter: (path) => path !== published });
  const models = join(folder, 'models');
  await mkdir(models);
  // Without the compressed copies, which would be served in place of a changed file.
  const names = (await readdir(published)).filter((name) => !/\.(br|gz)$/.test(name));
  for (const name of names) await copyFile(join(published, name), join(models, name));
  const manifest = JSON.parse(await readFile(join(models, MANIFEST), 'utf8'));
  // The first alone, however many are published.
  manifest.models = manifest.models.slice(0, 1);
  if (!strokes) delete manifest.strokes;
  const site = { folder, models, manifest, file: manifest.models[0].file };
  await writeManifest(site);
  return site;
}

/** Writes a site's manifest again. */
export function writeManifest({ models, manifest }) {
  return writeFile(join(models, MANIFEST), JSON.stringify(manifest));
}

/** Puts other content in the place of a site's file, and makes a new version of the site. */
export async function replaceFile({ folder }, name, change) {
  const path = join(folder, name);
  const content = change(await readFile(path, 'utf8'));
  for (const ending of ['', '.br', '.gz']) await rm(path + ending, { force: true });
  await writeFile(path, content);
  await finish(folder);
}

/**
 * Publishes a model that is told from the site's first by its answers: the digits it reads are
 * `turn` higher, and its first filter sees nothing, so that it is less or more sure of them and
 * removes other pixels. Gives its entry in the manifest, which is to be written yet.
 */
export async function publishVariant({ models, manifest }, name, turn) {
  const [first] = manifest.models;
  const bytes = await readFile(join(models, first.file));
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString());
  const product = (shape) => shape.reduce((sides, side) => sides * side, 1);
  /** The bytes of a tensor, number by number, whatever their precision. */
  const numbers = (tensor) => {
    const [start, end] = header[tensor].data_offsets;
    const width = (end - start) / product(header[tensor].shape);
    const all = bytes.subarray(8 + headerBytes + start, 8 + headerBytes + end);
    return Array.from({ length: all.length / width }, (_, i) =>
      all.subarray(i * width, (i + 1) * width),
    );
  };
  // The last layer's outputs are the ten digits; its weights are rows of ten.
  const head = Object.keys(header).filter((key) => /^linears\.\d+\.bias$/.test(key)).sort().at(-1);
  for (const tensor of [head, head.replace('bias', 'weight')]) {
    const places = numbers(tensor);
    const before = places.map((place) => Buffer.from(place));
    places.forEach((place, i) => before[i - (i % 10) + ((i + 10 - turn) % 10)].copy(place));
  }
  const filters = numbers('stages.0.conv.weight');
  const [, ...filter] = header['stages.0.conv.weight'].shape;
  for (const weight of filters.slice(0, product(filter))) weight.fill(0);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = `${name}-${sha256.slice(0, 12)}.safetensors`;
  await writeFile(join(models, file), bytes);
  const entry = { ...first, name, file, sha256, bytes: bytes.length };
  // Two zeros read right, and fourteen threes as fives.
  const counts = Array.from({ length: 10 }, () => Array(10).fill(0));
  counts[0][0] = 2;
  counts[3][5] = 14;
  Object.assign(entry, { accuracy: 0.125, measured_digits: 16, confusion: { counts } });
  manifest.models.push(entry);
  return entry;
}

/**
 * Answers to weights wait until they are let through, file by file: gives a function from a file's
 * name to its gate, with `asked`, a promise, and `open()`.
 */
export async function holdWeights(context) {
  const gates = new Map();
  const gateOf = (file) => {
    if (!gates.has(file)) {
      const gate = {};
      gate.opened = new Promise((open) => {
        gate.open = open;
      });
      gate.asked = new Promise((ask) => {
        gate.ask = ask;
      });
      gates.set(file, gate);
    }
    return gates.get(file);
  };
  await context.route('**/*.safetensors', async (route) => {
    const gate = gateOf(new URL(route.request().url()).pathname.split('/').at(-1));
    gate.ask();
    await gate.opened;
    // A fetch that was broken off meanwhile has nothing to be answered.
    await route.continue().catch(() => {});
  });
  return gateOf;
}
