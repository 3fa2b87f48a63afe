// A browser, and pages in it that are watched for errors and for requests to other origins.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import * as driver from 'playwright-core';

import { chromium, firefox } from './env.mjs';
import { serve } from './native.mjs';

/** For what needs no engine. */
export const PAGE_MILLISECONDS = 30_000;
/** For an answer. The engine gives a GPU a minute before the CPU takes over. */
export const ANSWER_MILLISECONDS = 120_000;
/** For loading the engine: 13 MB of WebAssembly to compile, then the test of the adapter. */
export const ENGINE_MILLISECONDS = 120_000;

/** For a whole group of tests, should the page itself hang. */
export const LIMIT_MILLISECONDS = 600_000;

const FLAGS = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const options = {
  executablePath: chromium,
  headless: true,
  chromiumSandbox: false,
  args: FLAGS,
  timeout: PAGE_MILLISECONDS * 2,
};

/** Starts the browser. Without WebGPU, requestAdapter() finds none in a headless Chromium. */
export function launch({ webgpu = false } = {}) {
  const args = webgpu ? [...FLAGS, '--enable-unsafe-webgpu'] : FLAGS;
  return driver.chromium.launch({ ...options, args });
}

/** A browser, for one session, whose settings forbid sites to store anything. */
export async function withoutStorage(folder) {
  const profile = join(folder, 'Default');
  await mkdir(profile, { recursive: true });
  const settings = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(profile, 'Preferences'), JSON.stringify(settings));
  return {
    newContext: (others) =>
      driver.chromium.launchPersistentContext(folder, { ...options, ...others }),
  };
}

/**
 * Starts Firefox as its makers publish it, which the channel's name makes Playwright speak to.
 * What it saves is in that folder: Playwright does not tell of it.
 */
export function launchFirefox(downloadsPath) {
  return driver.firefox.launch({
    executablePath: firefox,
    channel: 'moz-firefox',
    headless: true,
    downloadsPath,
    timeout: PAGE_MILLISECONDS * 2,
  });
}

/**
 * Starts a browser for a group of tests, as `launch` does; it is in `browser` of what this gives.
 * Chromium has been seen to end between two tests that had passed, and every later one failed for
 * it: so one that ended is replaced when the next session opens. A test that runs when it ends fails.
 */
export function withBrowser(options) {
  let running;
  const start = async () => {
    running = await launch(options);
  };
  const newContext = async (others) => {
    try {
      return await running.newContext(others);
    } catch (error) {
      if (running.isConnected()) throw error;
      console.warn(`The browser ended by itself; another is started. ${error.message}`);
      await start();
      return running.newContext(others);
    }
  };
  before(start);
  after(() => running?.close());
  return { browser: { newContext } };
}

/** The same with a server of the built page, in `server`, and `visit`, which opens a session there. */
export function withPageServed(options) {
  const at = withBrowser(options);
  at.visit = async (t, others, query = '?engine=cpu') => {
    const session = await openSession(t, at.browser, at.server.origin, others);
    await session.goto(query);
    return session;
  };
  before(async () => {
    at.server = await serve();
  });
  after(() => at.server?.stop());
  return at;
}

/** Has the page look for numbers only when it is asked, as tests that draw their boxes need it. */
function findOnlyWhenAsked() {
  try {
    localStorage.setItem('doorplate-find', 'off');
  } catch {
    // Where a test forbids storage.
  }
}

/**
 * A new page with storage of its own, which looks for numbers in new photos by itself only if
 * `findsUnasked`. `close` checks that nothing went wrong meanwhile: no
 * uncaught error, nothing red in the console (where the browser also tells what the content
 * policy forbade) but what `expected` allows, and no request to another origin.
 */
export async function openSession(t, browser, origin, options = {}) {
  const { viewport = { width: 1280, height: 800 }, colorScheme = 'light', findsUnasked, ...others } = options;
  const context = await browser.newContext({
    viewport,
    colorScheme,
    acceptDownloads: true,
    ...others,
  });
  context.setDefaultTimeout(PAGE_MILLISECONDS);
  const requests = [];
  const problems = [];
  const warnings = [];
  const expected = [];
  const allRequests = [];
  context.on('request', (request) => {
    allRequests.push(request.url());
    // What the service worker asks for, to keep it, is nothing that the page waits for.
    if (!request.serviceWorker()) requests.push(request.url());
  });
  context.on('weberror', (error) => problems.push(`uncaught: ${error.error()}`));
  context.on('console', (message) => {
    const line = `${message.text()} (${message.location().url})`;
    if (message.type() === 'error') problems.push(line);
    if (message.type() === 'warning') warnings.push(line);
  });
  t.after(() => context.close());
  const page = await context.newPage();
  if (!findsUnasked) await page.addInitScript(findOnlyWhenAsked);
  return {
    page,
    context,
    /** What the page and its engine asked for. */
    requests,
    /** That and what the service worker asked for. */
    allRequests,
    warnings,
    /** Console errors that match are no problem, as where a file is made to be missing. */
    expectProblem: (pattern) => expected.push(pattern),
    /** Loads the page; waits only until the page itself is there, not for the engine. */
    goto: async (query = '') => {
      await page.goto(`${origin}/${query}`, { timeout: PAGE_MILLISECONDS });
      await page.waitForSelector('[data-testid=stage]', { timeout: PAGE_MILLISECONDS });
    },
    assertClean: () => {
      const unexpected = problems.filter((line) => !expected.some((known) => known.test(line)));
      assert.deepEqual(unexpected, [], 'errors in the console or uncaught');
      const foreign = allRequests.filter((url) => {
        const { protocol, origin: own } = new URL(url);
        return protocol !== 'data:' && own !== origin;
      });
      assert.deepEqual(foreign, [], 'requests to other origins');
    },
  };
}

/** Waits until the engine answers; a failed start fails at once. */
export async function engineReady(page) {
  await page.waitForFunction(
    () => ['ready', 'failed'].includes(document.documentElement.dataset.engine),
    undefined,
    { timeout: ENGINE_MILLISECONDS },
  );
  const state = await page.evaluate(() => document.documentElement.dataset.engine);
  const status = await page.getByTestId('engine-status').innerText();
  assert.equal(state, 'ready', status);
  return status;
}

/** Has the engine do nothing for so long; answers come only then. Waits until it is over. */
export function occupyEngine(page, milliseconds) {
  const [worker] = page.workers();
  return worker.evaluate((milliseconds) => {
    for (const end = Date.now() + milliseconds; Date.now() < end; );
  }, milliseconds);
}

/** Waits until the engine could not start; gives what the page says. */
export async function engineFailed(page) {
  await page.waitForFunction(
    () => document.documentElement.dataset.engine === 'failed',
    undefined,
    { timeout: ENGINE_MILLISECONDS },
  );
  return page.getByTestId('engine-status').innerText();
}

/** Waits until a condition that only asking can tell of holds. */
export async function until(what, holds) {
  const late = Date.now() + PAGE_MILLISECONDS * 2;
  while (!(await holds())) {
    assert.ok(Date.now() < late, `not in time: ${what}`);
    await pause(50);
  }
}

/** Waits until the page is kept for use without a network. */
export async function keptForOffline(page) {
  const kept = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      if (registration?.active?.state !== 'activated') return false;
      return Boolean(await caches.match(new URL('?whole', registration.scope).href));
    });
  await until('the page is kept for use without a network', kept);
}

/** Waits until nothing is under way between page and engine. */
export async function settled(page) {
  await page.waitForFunction(
    () => document.documentElement.dataset.busy === 'false',
    undefined,
    { timeout: ANSWER_MILLISECONDS },
  );
}

/** Waits for a line that matches; gives its text. */
export async function message(page, pattern) {
  const line = page.getByTestId('message').filter({ hasText: pattern });
  try {
    await line.first().waitFor({ timeout: PAGE_MILLISECONDS });
  } catch {
    const shown = await page.getByTestId('message').allInnerTexts();
    assert.fail(`no message matches ${pattern}; shown are: ${JSON.stringify(shown)}`);
  }
  return line.first().innerText();
}
