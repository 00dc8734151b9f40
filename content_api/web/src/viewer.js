// The dialog in which an experience is seen: a model, a panorama or a photo, with its words, credit and illustration label.
import { loadMedia } from './api.js';
import { make, posterOf, text } from './list.js';

export function makeViewer(context) {
  const dialog = document.getElementById('viewer');
  const stage = document.getElementById('stage');
  const label = document.getElementById('viewer-label');
  let shown = null; // the experience in the dialog
  let leave = () => {};

  document.getElementById('viewer-close').addEventListener('click', () => context.go('#/'));
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault(); // Escape goes the same way as the button, so that the address stays true
    context.go('#/');
  });

  async function open(experience) {
    if (shown === experience) return;
    clear();
    shown = experience;
    relabel();
    if (!dialog.open) dialog.showModal();
    document.getElementById('viewer-title').focus();
    stage.append(make('p', 'stage-wait', context.words().loading));
    try {
      const media = await loadMedia(experience.slug);
      if (shown !== experience) return;
      leave = (await show(experience, media)) ?? (() => {});
    } catch (error) {
      console.error(error);
      if (shown === experience) stage.replaceChildren(make('p', 'stage-wait', context.words().failed));
    }
  }

  async function show(experience, media) {
    const [first] = media;
    const best = first?.derivatives[0];
    if (!best) throw new Error('this experience has nothing for this device');
    const alt = altOf(experience);
    const poster = posterOf(experience);
    if (first.role === 'MODEL') {
      const { showModel } = await import('./model.js');
      return showModel(stage, { derivative: best, quickLook: first.all.find((one) => one.usage === 'iOSApp3D'), poster, alt, words: context.words() });
    }
    if (first.role === 'PANORAMA') {
      const { showPanorama } = await import('./panorama.js');
      return showPanorama(stage, { derivatives: first.derivatives, poster, alt, words: context.words() });
    }
    const image = make('img', 'photo');
    image.src = best.entry.url;
    image.alt = alt;
    stage.replaceChildren(image);
    await image.decode();
    dialog.dataset.ready = 'photo';
    return undefined;
  }

  function altOf(experience) {
    const [media] = experience.media;
    return (context.state.language === 'vi' ? media.altVi : media.altEn).text || context.chosen(experience.titles).text;
  }

  function relabel() {
    if (!shown) return;
    const { state, chosen, words } = context;
    const site = state.sites.find((one) => one.slug === shown.site.slug);
    const put = (id, chosenText) => {
      const node = document.getElementById(id);
      node.replaceChildren();
      if (chosenText) node.append(text('span', '', chosenText));
      return node;
    };
    put('viewer-title', chosen(shown.titles));
    put('viewer-site', site && chosen(site.names));
    put('viewer-summary', shown[state.language] ?? shown.en);
    label.hidden = !shown.illustration;
    label.textContent = words().illustration;
    const credit = document.getElementById('viewer-credit');
    const { attribution } = shown;
    credit.replaceChildren(`${attribution.credit} · `);
    const licence = make(attribution.licence.url ? 'a' : 'span', '', attribution.licence.title);
    if (attribution.licence.url) Object.assign(licence, { href: attribution.licence.url, rel: 'noreferrer noopener license', target: '_blank' });
    credit.append(licence);
  }

  function close() {
    if (!shown) return;
    const { slug } = shown;
    clear();
    shown = null;
    dialog.close(); // gives the focus back to what opened it, if that is still there
    const { activeElement } = document;
    if (activeElement === document.body || dialog.contains(activeElement)) context.focusCard(slug);
  }

  function clear() {
    leave();
    leave = () => {};
    delete dialog.dataset.ready;
    stage.replaceChildren();
  }

  return { open, close, relabel };
}
