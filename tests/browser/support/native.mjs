// The native program: the server that the tests talk to, and the answers they compare with.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { dist, program, root } from './env.mjs';

const run = promisify(execFile);
const START_MILLISECONDS = 20_000;
const ANSWER_MILLISECONDS = 60_000;

// Gone with the process, not with the test: hooks run in the order in which they were asked for, so a
// test's folder would go while the browser that is closed after it still writes there.
const scratch = new Set();
process.once('exit', () => {
  for (const folder of scratch) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A folder that is gone when this file's tests have ended. */
export async function scratchFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'doorplate-browser-'));
  scratch.add(folder);
  return folder;
}

// Should this process end without cleaning up, its servers do not outlive it; the runner ends its
// processes with a signal, upon which there is no `exit` of itself.
const running = new Set();
process.once('exit', () => running.forEach((server) => server.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

/** Serves a folder; gives its origin and a function that ends the server. */
export async function serve(folder = dist) {
  const server = spawn(program, ['serve', '--dir', folder, '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await gone;
  };
  running.add(server);
  server.once('exit', () => running.delete(server));
  try {
    const origin = await new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`the server did not start: ${said}`)),
        START_MILLISECONDS,
      );
      const hear = (data) => {
        said += data;
        const address = /http:\/\/[^/\s]+/.exec(said);
        if (address) {
          clearTimeout(late);
          resolve(address[0]);
        }
      };
      server.stdout.on('data', hear);
      server.stderr.on('data', hear);
      server.once('error', reject);
      server.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
    return { origin, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * A host before a server, which may change what that sends: `change` is given each answer as
 * `{ path, headers, body }`. Gives its origin.
 */
export async function hosted(t, origin, change) {
  const host = createServer(async (request, response) => {
    try {
      const { pathname } = new URL(request.url, origin);
      const from = await fetch(new URL(request.url, origin));
      const headers = Object.fromEntries(from.headers);
      // About the bytes as they came, which fetch has unpacked.
      for (const name of ['content-encoding', 'content-length']) delete headers[name];
      const answer = { path: pathname, headers, body: Buffer.from(await from.arrayBuffer()) };
      await change(answer);
      response.writeHead(from.status, answer.headers).end(answer.body);
    } catch {
      // As where the server has been stopped.
      response.destroy();
    }
  });
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  t.after(() => {
    host.closeAllConnections();
    host.close();
  });
  return `http://127.0.0.1:${host.address().port}`;
}

/** Finishes a site whose files were changed: it is another version then. */
export async function finish(folder) {
  await run(program, ['finish', folder, '--quality', '1'], { timeout: ANSWER_MILLISECONDS });
}

/** The models folder and, unless it is the first, the model, as the page has them. */
const modelArguments = ({ models = join(dist, 'models'), model } = {}) =>
  ['--models', models, ...(model ? ['--model', model] : [])];

/** What makes the native program fill whole boxes, as the page does on a site without a stroke network. */
const methodArguments = ({ manifest } = {}) =>
  manifest && !manifest.strokes ? ['--method', 'whole-boxes', '--no-check'] : [];

/** What the native program reads in these boxes: `{ box, digit, confidence }` each. */
export async function readNatively(photo, boxesFile) {
  const { stdout } = await run(
    program,
    ['read', photo, '--boxes', boxesFile, '--json', ...modelArguments()],
    { cwd: root, timeout: ANSWER_MILLISECONDS },
  );
  return JSON.parse(stdout).readings;
}

/** The program's exit code where its second look found something left; the photo is written. */
const LEFT = 7;

/** Has the native program write a photo without what is in the boxes; gives what it says. */
export async function eraseTo(folder, output, photo, boxes, options = [], model) {
  const boxesFile = join(folder, 'boxes.json');
  await writeFile(boxesFile, JSON.stringify({ boxes }));
  const { stdout } = await run(
    program,
    ['erase', photo, '--boxes', boxesFile, '-o', output, '--json', ...modelArguments(model),
      ...methodArguments(model), ...options],
    { cwd: root, timeout: ANSWER_MILLISECONDS },
  ).catch((error) => {
    if (error.code !== LEFT) throw error;
    return error;
  });
  return JSON.parse(stdout);
}

/** What the native program makes of a photo and boxes: the PNG's bytes and the readings. */
export async function eraseNatively(folder, photo, boxes, model, options = []) {
  const output = join(folder, 'native.png');
  const { readings } = await eraseTo(folder, output, photo, boxes, options, model);
  return { png: await readFile(output), readings };
}
