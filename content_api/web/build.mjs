// Bundle the page into dist/: our modules with Leaflet, model-viewer and Photo Sphere Viewer, and beside them the decoders that
// model-viewer needs to open our files (meshopt, Draco, KTX2). Everything is served from our own origin.
import { cp, mkdir, readFile, rm, writeFile, rename } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.resolve(here, '../../node_modules');
const dist = path.join(here, 'dist');
const fresh = path.join(here, `dist.${process.pid}`); // renamed at the end: a half-made page is never served

const DECODERS = [
  ['meshoptimizer/meshopt_decoder.cjs', 'meshopt/meshopt_decoder.js'],
  ['three/examples/jsm/libs/draco/gltf/draco_decoder.js', 'draco/draco_decoder.js'],
  ['three/examples/jsm/libs/draco/gltf/draco_decoder.wasm', 'draco/draco_decoder.wasm'],
  ['three/examples/jsm/libs/draco/gltf/draco_wasm_wrapper.js', 'draco/draco_wasm_wrapper.js'],
  ['three/examples/jsm/libs/basis/basis_transcoder.js', 'basis/basis_transcoder.js'],
  ['three/examples/jsm/libs/basis/basis_transcoder.wasm', 'basis/basis_transcoder.wasm'],
];

await rm(fresh, { recursive: true, force: true });
await mkdir(fresh, { recursive: true });

const result = await build({
  entryPoints: [path.join(here, 'src/main.js')],
  bundle: true,
  splitting: true, // the model viewer and the panorama viewer load when a visitor opens one
  format: 'esm',
  minify: true,
  sourcemap: false,
  target: ['es2022'],
  outdir: fresh,
  publicPath: '/static',
  entryNames: '[name]-[hash]',
  chunkNames: 'chunks/[name]-[hash]',
  assetNames: 'assets/[name]-[hash]',
  loader: { '.woff2': 'file', '.woff': 'file', '.png': 'file', '.svg': 'file', '.geojson': 'file' },
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
});

for (const [from, to] of DECODERS) {
  await mkdir(path.dirname(path.join(fresh, 'decoders', to)), { recursive: true });
  await cp(path.join(modules, from), path.join(fresh, 'decoders', to));
}

const [script] = Object.entries(result.metafile.outputs).filter(([, output]) => output.entryPoint);
const name = (file) => path.relative(fresh, path.resolve(file)).replaceAll(path.sep, '/');
const icon = await readFile(path.join(here, 'src/icon.svg'));
const iconName = `assets/icon-${createHash('sha256').update(icon).digest('hex').slice(0, 8)}.svg`;
await mkdir(path.join(fresh, 'assets'), { recursive: true });
await writeFile(path.join(fresh, iconName), icon);

const page = (await readFile(path.join(here, 'src/index.html'), 'utf8'))
  .replaceAll('%SCRIPT%', `/static/${name(script[0])}`)
  .replaceAll('%STYLE%', `/static/${name(script[1].cssBundle)}`)
  .replaceAll('%ICON%', `/static/${iconName}`);
await writeFile(path.join(fresh, 'index.html'), page);

await rm(dist, { recursive: true, force: true });
await rename(fresh, dist);
