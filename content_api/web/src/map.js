// The map of the coast: no tiles and no third party, only the simplified coastline and our places.
import L from 'leaflet';
import coastUrl from './coast.geojson';
import { metres } from './words.js';

const BAY = L.latLngBounds([20.62, 106.88], [20.98, 107.28]);
const EDGE = L.latLngBounds([20.3, 106.4], [21.4, 107.95]);

export function makeMap(context) {
  const map = L.map('map', {
    zoomControl: false, minZoom: 9, maxZoom: 15, maxBounds: EDGE, maxBoundsViscosity: 0.8, zoomSnap: 0.25, attributionControl: false,
  });
  map.fitBounds(BAY);
  L.control.zoom({ position: 'topright' }).addTo(map);
  L.control.scale({ imperial: false, position: 'bottomright' }).addTo(map);
  new ResizeObserver(() => map.invalidateSize()).observe(map.getContainer());
  const places = L.layerGroup().addTo(map);
  const doubt = L.layerGroup().addTo(map);
  drawCoast(map);

  function draw() {
    const { state, chosen } = context;
    places.clearLayers();
    const rich = new Map(state.experiences.map((one) => [one.site.slug, one]));
    const labelBelow = labelsBelow(state.sites.filter((site) => rich.has(site.slug) && site.position.latDeg != null));
    for (const site of state.sites) {
      const { latDeg, lonDeg } = site.position;
      if (latDeg == null) continue;
      const experience = rich.get(site.slug);
      const name = chosen(site.names).text;
      const icon = L.divIcon({
        className: `pin ${experience ? 'pin-rich' : 'pin-plain'} pin-${(experience?.kind ?? site.kind).toLowerCase()}`,
        html: '<span></span>',
        iconSize: experience ? [34, 34] : [16, 16],
      });
      const marker = L.marker([latDeg, lonDeg], { icon, title: name, alt: name, keyboard: true, riseOnHover: true, zIndexOffset: experience ? 1000 : 0 });
      const below = labelBelow.has(site.slug);
      const lift = (experience ? 16 : 8) * (below ? 1 : -1);
      marker.bindTooltip(name, {
        direction: below ? 'bottom' : 'top', offset: [0, lift], permanent: Boolean(experience), className: 'pin-name',
      });
      const target = experience ? `#/experience/${encodeURIComponent(experience.slug)}` : `#/site/${encodeURIComponent(site.slug)}`;
      marker.on('click keypress', (event) => {
        if (event.type === 'keypress' && !['Enter', ' '].includes(event.originalEvent.key)) return;
        context.go(target);
      });
      marker.addTo(places);
    }
  }

  // How well the position is known is part of what is shown: the circle is the uncertainty.
  function show(site) {
    doubt.clearLayers();
    const { latDeg, lonDeg, uncertaintyM } = site.position;
    if (latDeg == null) return;
    const circle = L.circle([latDeg, lonDeg], { radius: uncertaintyM ?? 50, className: 'doubt', interactive: false });
    circle.addTo(doubt);
    if (uncertaintyM) circle.bindTooltip(`± ${metres(uncertaintyM)}`, { permanent: true, direction: 'bottom', className: 'pin-name' });
    map.flyToBounds(circle.getBounds().pad(0.6), { maxZoom: 13, duration: reducedMotion() ? 0 : 0.8 });
  }

  return { draw, show };
}

// Labels of close neighbours would cover each other: of two, the southern one is written below its pin.
const NEAR_LAT_DEG = 0.03; // two lines of a label, on the map as it opens
const NEAR_LON_DEG = 0.12; // the width of a label

function labelsBelow(sites) {
  const below = new Set();
  const southward = [...sites].sort((a, b) => b.position.latDeg - a.position.latDeg);
  southward.forEach(({ slug, position }, i) => {
    const close = southward.slice(0, i).some(
      (other) => !below.has(other.slug) &&
        Math.abs(other.position.latDeg - position.latDeg) < NEAR_LAT_DEG && Math.abs(other.position.lonDeg - position.lonDeg) < NEAR_LON_DEG,
    );
    if (close) below.add(slug);
  });
  return below;
}

async function drawCoast(map) {
  const coast = await (await fetch(coastUrl)).json();
  L.geoJSON(coast, { interactive: false, style: { className: 'land' } }).addTo(map).bringToBack();
}

function reducedMotion() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
