// The list beside the map: experiences as pictures, then every place, searchable with and without Vietnamese marks.
import { metres } from './words.js';

export function makeList(context, onSite) {
  const root = document.getElementById('list');
  const search = document.getElementById('search');
  const status = document.getElementById('status');
  search.addEventListener('input', () => draw());

  function draw() {
    const { state, words, chosen } = context;
    const wanted = plain(search.value);
    const matches = (site) => !wanted || site.names.some((name) => plain(name.text).includes(wanted));
    const sites = state.sites
      .filter(matches)
      .sort((a, b) => chosen(a.names).text.localeCompare(chosen(b.names).text, state.language));
    const shown = new Set(sites.map((site) => site.slug));
    const experiences = state.experiences.filter((one) => shown.has(one.site.slug));

    root.replaceChildren();
    if (!sites.length) return message(words().nothing);
    if (experiences.length) {
      root.append(make('h2', 'list-head', words().experiences));
      const cards = make('ul', 'cards');
      cards.append(...experiences.map(card));
      root.append(cards);
    }
    root.append(make('h2', 'list-head', words().sites));
    const rows = make('ul', 'rows');
    rows.append(...sites.map(row));
    root.append(rows, make('p', 'notice', words().coastNotice));
    if (wanted) status.textContent = words().shown(sites.length);
  }

  function card(experience) {
    const { words, chosen, state, go } = context;
    const item = make('li', 'card');
    const button = make('button', 'card-open');
    button.type = 'button';
    button.dataset.slug = experience.slug;
    const poster = posterOf(experience);
    button.classList.toggle('card-plain', !poster);
    if (poster) {
      const image = make('img', 'card-image');
      image.src = poster;
      image.alt = '';
      image.loading = 'lazy';
      button.append(image);
    }
    const site = state.sites.find((one) => one.slug === experience.site.slug);
    const body = make('span', 'card-body');
    const kind = make('span', 'card-kind', words()[experience.kind.toLowerCase()] ?? experience.kind);
    body.append(kind, text('span', 'card-title', chosen(experience.titles)));
    if (site) body.append(text('span', 'card-site', chosen(site.names)));
    button.append(body);
    if (experience.illustration) button.append(make('span', 'badge', words().illustration));
    button.addEventListener('click', () => go(`#/experience/${encodeURIComponent(experience.slug)}`));
    item.append(button);
    return item;
  }

  function row(site) {
    const { words, chosen, state } = context;
    const item = make('li', 'row');
    const details = make('details');
    details.dataset.slug = site.slug;
    const summary = make('summary');
    summary.append(text('span', 'row-name', chosen(site.names)));
    details.append(summary);
    const other = site.names.find((name) => name.language !== chosen(site.names).language && name.text);
    if (other) details.append(text('p', 'row-other', other));
    const description = site[state.language] ?? site.en;
    details.append(text('p', 'row-text', description));
    if (site.visitNote) details.append(text('p', 'row-visit', { language: 'en', text: site.visitNote })); // not translated yet
    const { basis, uncertaintyM } = site.position;
    const basisWords = words().position[basis] ?? basis;
    const uncertain = uncertaintyM ? ` (${words().uncertainty(metres(uncertaintyM))})` : '';
    details.append(make('p', 'row-basis', basisWords + uncertain));
    const sources = site.sources.filter((source) => source.startsWith('http'));
    if (sources.length) {
      const p = make('p', 'row-sources', `${words().sources}: `);
      sources.forEach((source, i) => {
        const url = source.split(' ')[0];
        const link = make('a', '', URL.canParse(url) ? new URL(url).hostname : url);
        link.href = url;
        link.rel = 'noreferrer noopener';
        link.target = '_blank';
        p.append(i ? ', ' : '', link);
      });
      details.append(p);
    }
    details.addEventListener('toggle', () => details.open && onSite(site));
    item.append(details);
    return item;
  }

  function reveal(slug) {
    const details = root.querySelector(`details[data-slug="${CSS.escape(slug)}"]`);
    if (!details) return;
    details.open = true;
    details.querySelector('summary').focus({ preventScroll: true });
    details.scrollIntoView({ block: 'nearest' });
  }

  // The card of an experience, for who comes back from its dialog; the search when the list does not show it.
  function focusCard(slug) {
    (root.querySelector(`.card-open[data-slug="${CSS.escape(slug)}"]`) ?? search).focus();
  }

  function message(words, { retry } = {}) {
    root.replaceChildren(make('p', 'message', words));
    status.textContent = words;
    if (retry) {
      const button = make('button', 'retry', context.words().retry);
      button.type = 'button';
      button.addEventListener('click', retry);
      root.append(button);
    }
  }

  return { draw, reveal, focusCard, message };
}

export function posterOf(experience) {
  const all = experience.media.flatMap((media) => media.all).filter((one) => one.usage === 'Image2D');
  const order = ['Medium', 'Thumb', 'Low', 'High'];
  all.sort((a, b) => order.indexOf(a.quality) - order.indexOf(b.quality));
  return all[0]?.entry.url;
}

export function make(tag, className = '', content = '') {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (content) node.textContent = content;
  return node;
}

export function text(tag, className, { language, text: words }) {
  const node = make(tag, className, words);
  if (language && language !== 'und') node.lang = language;
  return node;
}

// "Sửng Sốt" is found by "sung sot": marks are dropped, and đ, which carries none, becomes d.
function plain(words) {
  return words.normalize('NFD').replace(/\p{M}/gu, '').replace(/[đĐ]/g, 'd').toLowerCase().trim();
}
