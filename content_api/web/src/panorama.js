// A tiled panorama: Photo Sphere Viewer over our cube tile tree (docs/formats/tiles.md).
import { Viewer } from '@photo-sphere-viewer/core';
import { CubemapTilesAdapter } from '@photo-sphere-viewer/cubemap-tiles-adapter';
import { make } from './list.js';

const LETTER = { left: 'l', front: 'f', right: 'r', back: 'b', top: 'u', bottom: 'd' };

export async function showPanorama(stage, { derivatives, alt, words }) {
  const tiles = derivatives.find((one) => one.entry.path === 'tiles.json');
  const single = derivatives.find((one) => one.mediaType === 'image/jpeg');
  const frame = make('div', 'panorama');
  frame.setAttribute('role', 'img');
  frame.setAttribute('aria-label', alt);
  stage.replaceChildren(frame, make('p', 'stage-help', words.panoramaHelp));
  const viewer = new Viewer({
    container: frame,
    navbar: ['zoom', 'move', 'fullscreen'],
    keyboard: 'always',
    mousewheelCtrlKey: false,
    touchmoveTwoFingers: false,
    defaultZoomLvl: 20,
    loadingTxt: words.loading,
    ...(tiles
      ? { adapter: CubemapTilesAdapter, panorama: await tiledPanorama(tiles) }
      : { panorama: single.entry.url }),
  });
  await new Promise((resolve, reject) => {
    viewer.addEventListener('ready', resolve, { once: true });
    viewer.addEventListener('panorama-error', ({ error }) => reject(error), { once: true });
  });
  stage.closest('dialog').dataset.ready = 'panorama';
  return () => viewer.destroy();
}

async function tiledPanorama({ entry, baseUrl }) {
  const tiles = await (await fetch(entry.url)).json();
  const levels = Array.from({ length: tiles.levels }, (_, i) => ({ faceSize: tiles.tile_size_px * 2 ** i, nbTiles: 2 ** i }));
  const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const paths = Object.fromEntries(
    Object.entries(LETTER).map(([face, letter]) => [face, baseUrl + fill(tiles.path, { level: 1, face: letter, row: 0, col: 0 })]),
  );
  return {
    levels,
    flipTopBottom: true, // needed twice: the base layer ignores the outer flag
    baseUrl: { type: 'separate', paths, flipTopBottom: true },
    tileUrl: (face, col, row, level) => {
      if (!Number.isInteger(row) || !Number.isInteger(col)) return null; // asked so only to make a cache key
      return baseUrl + fill(tiles.path, { level: level + 1, face: LETTER[face], row, col });
    },
  };
}
