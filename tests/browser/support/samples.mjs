// The page's sample photos, and where their digits are.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { samples } from './env.mjs';
import { areaOf, choose, photoShown } from './stage.mjs';

/** A sample's path. */
export const sample = (name) => join(samples, `${name}.jpg`);

/** Chooses it in the dialog, and waits until it is on the stage. */
export async function openSample(page, name) {
  await choose(page, sample(name));
  await photoShown(page, `${name}.jpg`);
}

/** The boxes of its digits. */
export const boxesOf = (name) =>
  JSON.parse(readFileSync(join(samples, `${name}.boxes.json`), 'utf8')).boxes.map(areaOf);

/** Boxes round the two digits of door-606 that are read as 6, drawn by hand. */
export const FIRST = { left: 242, top: 163, width: 69, height: 109 };
export const SECOND = { left: 364, top: 161, width: 71, height: 110 };
