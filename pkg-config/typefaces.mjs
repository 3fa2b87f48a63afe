// Fetches the typefaces of synthetic house numbers, as assets/typefaces.json pins them:
//   node pkg-config/typefaces.mjs FOLDER
// Each package is packed by npm, checked against its integrity, and its font files against their
// SHA-256; then they go into the folder, each typeface's licence beside them. Files that are there
// already and whole are left alone.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const AT_ONCE = 4;

const folder = process.argv[2];
if (!folder) {
    console.error('usage: node pkg-config/typefaces.mjs FOLDER');
    process.exit(2);
}
const list = new URL('../assets/typefaces.json', import.meta.url);
const { typefaces } = JSON.parse(await readFile(list, 'utf8'));

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function isWhole({ file, sha256: expected }) {
    try {
        return sha256(await readFile(join(folder, basename(file)))) === expected;
    } catch {
        return false;
    }
}

async function put(name, bytes) {
    const path = join(folder, name);
    await writeFile(`${path}.part`, bytes);
    await rename(`${path}.part`, path);
}

async function fetchOne(typeface, scratch) {
    const wanted = [];
    for (const file of typeface.files) if (!(await isWhole(file))) wanted.push(file);
    if (wanted.length === 0) return;
    const name = `${typeface.package}@${typeface.version}`;
    const into = await mkdtemp(join(scratch, 'package-'));
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', into, name]);
    const [{ filename }] = JSON.parse(stdout);
    // npm writes @scope/name as scope-name; some versions report it with the slash.
    const archive = join(into, filename.replace('@', '').replace('/', '-'));
    const [kind, expected] = typeface.integrity.split(/-(.*)/s);
    if (createHash(kind).update(await readFile(archive)).digest('base64') !== expected) {
        throw new Error(`${name}: the package is not the pinned one (its integrity differs)`);
    }
    const entry = async (path) =>
        (await run('tar', ['-xzOf', archive, `package/${path}`], { encoding: 'buffer' })).stdout;
    for (const { file, sha256: pinned } of wanted) {
        const bytes = await entry(file);
        if (sha256(bytes) !== pinned) throw new Error(`${name}: ${file} is not the pinned one`);
        await put(basename(file), bytes);
    }
    await put(`${basename(typeface.package)}-LICENSE`, await entry('LICENSE'));
    console.log(`${typeface.name} (${typeface.licence})`);
}

const scratch = await mkdtemp(join(tmpdir(), 'doorplate-typefaces-'));
try {
    await mkdir(folder, { recursive: true });
    const waiting = [...typefaces];
    const failed = [];
    const worker = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
            try {
                await fetchOne(next, scratch);
            } catch (error) {
                failed.push(`${next.name}: ${error.message}`);
            }
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (failed.length > 0) {
        console.error(failed.join('\n'));
        console.error('doorplate: some typefaces are missing; is npm there, and its registry?');
        process.exitCode = 1;
    } else {
        console.log(`${typefaces.length} typefaces are in ${folder}`);
    }
} finally {
    await rm(scratch, { recursive: true, force: true });
}
