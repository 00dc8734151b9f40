// The page: a list and a map of the places; an experience opens in a dialog. State lives in the address (#/experience/slug).
import '@fontsource/be-vietnam-pro/400.css';
import '@fontsource/be-vietnam-pro/600.css';
import '@fontsource/be-vietnam-pro/700.css';
import '@photo-sphere-viewer/core/index.css'; // here, because a style is not fetched with a lazy module
import 'leaflet/dist/leaflet.css';
import './style.css';
import { loadEverything } from './api.js';
import { makeList } from './list.js';
import { makeMap } from './map.js';
import { makeViewer } from './viewer.js';
import { WORDS } from './words.js';

const state = { language: firstLanguage(), sites: [], experiences: [], release: null };
const element = (id) => document.getElementById(id);

// The text of the language that is shown, or the best other one, marked with its language for screen readers and fonts.
export function chosen(texts) {
  const wanted = texts.find((text) => text.language === state.language && text.text);
  return wanted ?? texts.find((text) => text.text) ?? { language: state.language, text: '', state: 'MISSING' };
}

const context = { state, chosen, words: () => WORDS[state.language], go, focusCard: (slug) => list.focusCard(slug) };
const viewer = makeViewer(context);
const map = makeMap(context);
const list = makeList(context, (site) => map.show(site));

start();

async function start() {
  applyWords();
  for (const button of document.querySelectorAll('[data-language]')) {
    button.addEventListener('click', () => setLanguage(button.dataset.language));
  }
  element('grip').addEventListener('click', () => setSheet(element('side').classList.contains('low')));
  window.addEventListener('hashchange', followAddress);
  await load();
}

async function load() {
  list.message(context.words().loading);
  try {
    Object.assign(state, await loadEverything());
  } catch (error) {
    console.error(error);
    list.message(context.words().failed, { retry: load });
    return;
  }
  document.querySelector('.sandbox').hidden = !state.release.sandbox;
  map.draw();
  list.draw();
  followAddress();
}

function followAddress() {
  const [, kind, slug] = location.hash.split('/').map(decodeURIComponent);
  const experience = kind === 'experience' && state.experiences.find((one) => one.slug === slug);
  const site = kind === 'site' && state.sites.find((one) => one.slug === slug);
  if (experience) viewer.open(experience);
  else viewer.close();
  if (site) {
    map.show(site);
    list.reveal(site.slug);
  }
}

function go(hash) {
  if (location.hash === hash) followAddress();
  else location.hash = hash;
}

function setLanguage(language) {
  state.language = language;
  try {
    localStorage.setItem('language', language);
  } catch {
    // a private window without storage: the choice lasts for this visit
  }
  applyWords();
  if (state.release) {
    map.draw();
    list.draw();
    viewer.relabel();
  }
}

function applyWords() {
  const words = context.words();
  document.documentElement.lang = state.language;
  for (const node of document.querySelectorAll('[data-t]')) node.textContent = words[node.dataset.t];
  for (const node of document.querySelectorAll('[data-t-label]')) node.setAttribute('aria-label', words[node.dataset.tLabel]);
  for (const node of document.querySelectorAll('[data-t-placeholder]')) node.placeholder = words[node.dataset.tPlaceholder];
  for (const button of document.querySelectorAll('[data-language]')) {
    button.setAttribute('aria-pressed', String(button.dataset.language === state.language));
  }
}

function setSheet(up) {
  element('side').classList.toggle('low', !up);
  element('grip').setAttribute('aria-expanded', String(up));
}

function firstLanguage() {
  let kept = null;
  try {
    kept = localStorage.getItem('language');
  } catch {
    // no storage: fall through to the browser's languages
  }
  if (kept in WORDS) return kept;
  const wanted = (navigator.languages ?? []).map((tag) => tag.slice(0, 2));
  return wanted.find((tag) => tag in WORDS) ?? 'en';
}
