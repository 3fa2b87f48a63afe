// The engine's worker: loads its wasm, which then listens for messages. A failure anywhere in it
// reaches the page as the worker's `error` event, upon which the page starts a new worker.

// The browser reports a rejected promise inside a worker to nobody outside it; thrown again, it
// is an error like any other. Listening begins before the load below, which may reject too.
self.addEventListener('unhandledrejection', (event) => {
  event.preventDefault();
  setTimeout(() => {
    throw event.reason;
  });
});

// Tells the page what is fetched in here, which its own records do not hold (src/app/fetched.rs).
new PerformanceObserver((list) => {
  self.postMessage({ fetched: JSON.stringify(list.getEntries()) });
}).observe({ type: 'resource', buffered: true });

const { default: init } = await import('./engine.js');
await init();
