// What the tests are given through the environment, and where things are.
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

// `make` runs in the repository's root, so relative paths begin there.
const fromRoot = (path) => (isAbsolute(path) ? path : join(root, path));

export const dist = fromRoot(process.env.DIST || 'dist');
export const samples = join(root, 'assets/samples');
export const program = fromRoot(process.env.DOORPLATE || 'target/release/doorplate');
export const chromium = process.env.CHROMIUM || '/usr/bin/chromium';
export const firefox = process.env.FIREFOX || '/usr/bin/firefox-esr';
export const svhnTest = process.env.SVHN && join(fromRoot(process.env.SVHN), 'test');

/** Why no test can run here, or false. */
export const obstacle = (() => {
  if (!existsSync(program)) return `${program} is missing (make native), or name it in DOORPLATE`;
  if (!existsSync(join(dist, 'engine_bg.wasm'))) return 'dist/ is not built (make web)';
  if (!existsSync(chromium)) return `${chromium} is missing; name a Chromium in CHROMIUM`;
  return false;
})();

/** Why no test can run in Firefox here, or false. */
export const firefoxObstacle =
  obstacle || (!existsSync(firefox) && `${firefox} is missing; name a Firefox in FIREFOX`);

/** Why tests on SVHN's photos cannot run here, or false. */
export const svhnObstacle = (() => {
  if (obstacle) return obstacle;
  if (!svhnTest) return 'SVHN is not set: no real photos to test on';
  if (!existsSync(join(svhnTest, 'digitStruct.mat'))) return 'SVHN/test holds no digitStruct.mat';
  return false;
})();
