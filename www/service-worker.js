// The page without a network: keeps one version of the page's files and answers with them.
//
// What is answered how, and why:
//
// - The page's own files (`precache.js`, which `doorplate finish` writes, lists them with their
//   SHA-256) come from this version's own cache, and no other: page and engine speak a protocol
//   that both must have from the same version. A version is installed whole or not at all, as a
//   file of another version has another hash. Each file is checked again when it is handed out;
//   one that is damaged is fetched again.
// - The headers that a file came with are kept with it. They may change without the files: so at
//   each start of the page, those of the files that carry a content policy are asked for again.
// - Where the server sends another file than this version has, as a host does that changes HTML on
//   its way, nothing can be kept. The page is told why, and shows it with what it has fetched.
// - `models/` is not answered here: the engine keeps weights by their hash (src/worker/fetching.rs)
//   and asks the server for the manifest first, so that it is never old while there is a network.
//   The page registers this worker once its engine runs: what it fetched is in the browser's HTTP
//   cache by then, so that keeping it costs the server a few empty answers, and the first load is
//   not slowed.
// - A new version waits until the last window of the old one is closed, or until its user asks for
//   it in the only window there is: a worker that took over beside other windows would hand files
//   of the new version to pages of the old.
// - Where the cache is gone (the browser's own doing, or storage is full or forbidden) everything
//   comes from the server as if there were no worker, a whole page load at a time.
// - Photos that another program shares are taken here, never reach the network, and are handed to
//   the page in memory.
importScripts('precache.js');

const SCOPE = self.registration.scope;
const { version, files } = self.PRECACHE;
// Caches belong to an origin, on which there may be several Doorplates, each below its own path.
const PREFIX = `doorplate-page ${SCOPE} `;
const CACHE = PREFIX + version;
/** Kept last: without it the cache is not whole. */
const WHOLE = new URL('?whole', SCOPE).href;
/** The files whose content policy counts: the page's, and its worker's. */
const POLICED = ['index.html', 'engine-start.js'].map((name) => new URL(name, SCOPE).pathname);
/** Holds the reason, at the next URL, while this version cannot be kept; src/app/fetch_list.rs reads it. */
const REASON_CACHE = `${PREFIX}reason`;
const REASON = new URL('?not-kept', SCOPE).href;
/** Kept when a file cannot be had any more, as the server has another version. */
const SPOILT = new URL('?spoilt', SCOPE).href;
/** Where photos are posted to; the web manifest names it. */
const SHARE = new URL('share', SCOPE).pathname;
const SHARE_MILLISECONDS = 120_000;

const hashes = new Map(
  Object.entries(files).map(([name, hash]) => {
    const path = name.split('/').map(encodeURIComponent).join('/');
    return [new URL(path, SCOPE).pathname, hash];
  }),
);

self.addEventListener('install', (event) => event.waitUntil(fill()));

self.addEventListener('activate', (event) => event.waitUntil(forgetOthers()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === 'POST' && url.pathname === SHARE) {
    event.respondWith(takeShared(event));
  } else if (request.method === 'GET') {
    const path = url.pathname === new URL(SCOPE).pathname ? `${url.pathname}index.html` : url.pathname;
    if (hashes.has(path)) event.respondWith(answer(path, request));
  }
});

self.addEventListener('message', (event) => {
  const [what, token] = String(event.data).split(' ');
  // The page's engine runs, so that there is time.
  if (what === 'fill') event.waitUntil(fill());
  if (what === 'take-over') event.waitUntil(takeOver(event.source));
  if (what === 'shared') handOver(token, event.source);
});

// ---- The files ---------------------------------------------------------------------------------

/** The server has another version of a file. */
class OtherVersion extends Error {}

const kept = (url) => caches.match(url, { cacheName: CACHE });

/** Keeps what is not kept yet; all of it, or nothing. */
async function fill() {
  if (await kept(WHOLE)) {
    await renewPolicies();
    return;
  }
  try {
    const cache = await caches.open(CACHE);
    await Promise.all(
      [...hashes.keys()].map(async (path) => cache.put(path, await download(path))),
    );
    await cache.put(WHOLE, new Response());
    await caches.delete(REASON_CACHE);
  } catch (error) {
    await caches.delete(CACHE);
    if (error instanceof OtherVersion) await tellNotKept(error.message);
    throw error;
  }
}

/** Keeps the headers that the server sends now with the files whose content policy counts. */
async function renewPolicies() {
  try {
    // Whole, as an answer that nothing has changed may come without headers.
    const now = await Promise.all(POLICED.map((path) => download(path, 'reload')));
    if (!(await kept(WHOLE))) return;
    await Promise.all(POLICED.map((path, i) => keep(path, now[i])));
  } catch {
    // Without a network, or with another version on the server, those that are kept still count.
  }
}

/** Says why nothing can be kept, to the pages' consoles and to where they show it. */
async function tellNotKept(path) {
  const reason =
    `This page is not kept for use without a network: the server sends another ${path} than was ` +
    'built. Does it change files on their way, or is it being updated?';
  const cache = await caches.open(REASON_CACHE);
  await cache.put(REASON, new Response(reason));
  const pages = await clients.matchAll({ type: 'window', includeUncontrolled: true });
  for (const page of pages) if (page.url.startsWith(SCOPE)) page.postMessage({ warning: reason });
}

async function forgetOthers() {
  const names = await caches.keys();
  const others = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(others.map((name) => caches.delete(name)));
}

/** A file as this version has it, from the server. */
async function download(path, cache = 'no-cache') {
  // By default asks the server whether the browser's own copy still holds, whatever its age.
  const response = await fetch(path, { cache });
  if (!response.ok) throw new Error(`${path}: the server answers ${response.status}`);
  const bytes = await response.arrayBuffer();
  if ((await sha256(bytes)) !== hashes.get(path)) throw new OtherVersion(path);
  return responseOf(bytes, response.headers);
}

async function answer(path, request) {
  const fromServer = () => fetch(request);
  try {
    if (!(await kept(WHOLE))) return fromServer();
    if (request.mode === 'navigate' && (await kept(SPOILT))) {
      await caches.delete(CACHE);
      return fromServer();
    }
    const bytes = await (await kept(path))?.arrayBuffer();
    if (bytes && (await sha256(bytes)) === hashes.get(path)) {
      // Straight from the cache, as the browser can hold on to what it compiled of it then.
      return (await kept(path)) ?? fromServer();
    }
  } catch {
    // Storage that cannot be read is as good as none.
    return fromServer();
  }
  return mend(path, request);
}

/** A file that is damaged or gone, fetched again. */
async function mend(path, request) {
  try {
    const response = await download(path);
    await keep(path, response.clone());
    return response;
  } catch (error) {
    if (!(error instanceof OtherVersion)) return Response.error();
    // This version cannot be made whole again. The next page load goes to the server, and this one
    // must not get files of two versions.
    self.registration.update().catch(() => {});
    if (request.mode !== 'navigate') {
      await keep(SPOILT, new Response());
      return Response.error();
    }
    await caches.delete(CACHE);
    return fetch(request);
  }
}

/** Keeps a response; with full storage, next time is as this time. */
async function keep(url, response) {
  try {
    const cache = await caches.open(CACHE);
    await cache.put(url, response);
  } catch {
    // As said.
  }
}

/** A response of these bytes with the server's headers, the content policy among them. */
function responseOf(bytes, headers) {
  const own = new Headers(headers);
  // They are about the bytes as they were sent, and who else may be sent them.
  for (const name of ['content-encoding', 'content-length', 'vary']) own.delete(name);
  return new Response(bytes, { headers: own });
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// ---- A new version -----------------------------------------------------------------------------

/** Takes the old version's place for the page that asks, unless there are other pages. */
async function takeOver(page) {
  const windows = await clients.matchAll({ type: 'window', includeUncontrolled: true });
  const others = windows.filter(({ id, url }) => id !== page.id && url.startsWith(SCOPE));
  if (others.length > 0) page.postMessage({ otherWindows: others.length });
  else await self.skipWaiting();
}

// ---- Photos from other programs ----------------------------------------------------------------

/** Photos that wait for their page, by token. */
const shared = new Map();

async function takeShared(event) {
  const token = crypto.randomUUID();
  let photos = [];
  try {
    const form = await event.request.formData();
    photos = form.getAll('photo').filter((entry) => entry instanceof File);
  } catch {
    // The page says that nothing came.
  }
  // The browser may end a worker that has nothing to do, and its memory with it.
  event.waitUntil(
    new Promise((done) => {
      shared.set(token, { photos, done });
      setTimeout(done, SHARE_MILLISECONDS);
    }).then(() => shared.delete(token)),
  );
  return Response.redirect(new URL(`?shared=${token}`, SCOPE).href, 303);
}

function handOver(token, page) {
  const { photos = [], done } = shared.get(token) ?? {};
  page.postMessage({ photos });
  done?.();
}
