// model-viewer with the decoders that our files need (meshopt, Draco, KTX2), all from our own origin.
import '@google/model-viewer';
import { make } from './list.js';

const DECODERS = new URL('/static/decoders/', location.href).href;
// Read whenever an element is made: what is set on the class alone gives way then to Google's addresses for Draco and KTX2.
self.ModelViewerElement = {
  meshoptDecoderLocation: `${DECODERS}meshopt/meshopt_decoder.js`,
  dracoDecoderLocation: `${DECODERS}draco/`,
  ktx2TranscoderLocation: `${DECODERS}basis/`,
};

export async function showModel(stage, { derivative, quickLook, poster, alt, words }) {
  const viewer = make('model-viewer', 'model');
  Object.assign(viewer, { src: derivative.entry.url, alt, poster: poster ?? '' });
  for (const [name, value] of Object.entries({
    'camera-controls': '', 'touch-action': 'pan-y', 'shadow-intensity': '0.9', 'shadow-softness': '0.8', exposure: '1.05',
    'tone-mapping': 'neutral', 'camera-orbit': '35deg 76deg 97%', 'auto-rotate': '', 'rotation-per-second': '6deg',
    'interaction-prompt': 'none', ar: '', 'ar-modes': 'webxr quick-look', 'ar-placement': 'floor',
    ...(quickLook && { 'ios-src': quickLook.entry.url }), // iPhones open USDZ in AR Quick Look, without WebXR
  })) viewer.setAttribute(name, value);
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) viewer.removeAttribute('auto-rotate');
  const enter = make('button', 'ar', words.ar);
  enter.slot = 'ar-button';
  viewer.append(enter);
  const bar = make('div', 'bar-load');
  bar.slot = 'progress-bar';
  viewer.append(bar);
  viewer.addEventListener('progress', (event) => {
    bar.style.setProperty('--done', event.detail.totalProgress);
    bar.hidden = event.detail.totalProgress >= 1;
  });
  const loaded = new Promise((resolve, reject) => {
    viewer.addEventListener('load', resolve, { once: true });
    viewer.addEventListener('error', (event) => reject(new Error(`the model could not be opened: ${event.detail?.sourceError ?? ''}`)), { once: true });
  });
  stage.replaceChildren(viewer, make('p', 'stage-help', words.modelHelp));
  await loaded;
  stage.closest('dialog').dataset.ready = 'model';
  return () => viewer.remove();
}
