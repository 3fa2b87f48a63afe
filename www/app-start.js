// Loads the page's wasm. The page's plain HTML is on screen meanwhile.
import init from './app.js';

// Before anything else, so that a kept choice of theme does not flash. The same key and values
// are in src/app/theme.rs.
try {
  const theme = localStorage.getItem('doorplate-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be switched off; the system's choice holds then.
}

// What the service worker has to say; nobody reads its own console.
navigator.serviceWorker?.addEventListener('message', ({ data }) => {
  if (data.warning) console.warn(data.warning);
});

/** Fetched behind all that is on screen first. */
function addLaterStyles() {
  const styles = document.createElement('link');
  styles.rel = 'stylesheet';
  styles.href = 'later.css';
  document.head.append(styles);
}

init().then(addLaterStyles).catch((error) => {
  const line = document.getElementById('start-error');
  if (line) {
    line.textContent =
      `Doorplate could not be loaded (${error.message ?? error}). Reload the page; if that does ` +
      'not help, a current version of Firefox, Chrome, Edge or Safari will.';
    line.hidden = false;
  }
  throw error;
});
