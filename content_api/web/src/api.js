// Questions to our own API. Everything is asked for in both languages at once, so that switching needs no network.
const EVERYTHING = `query Page($after: String) {
  release { id sandbox }
  sites(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node {
      slug kind visitNote sources
      names { language text state }
      vi: description(languages: ["vi"]) { language text state }
      en: description(languages: ["en"]) { language text state }
      position { basis latDeg lonDeg uncertaintyM }
    } }
  }
}`;

const EXPERIENCES = `query PageExperiences($after: String) {
  experiences(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node {
      slug kind illustration
      titles { language text state }
      vi: summary(languages: ["vi"]) { language text state }
      en: summary(languages: ["en"]) { language text state }
      site { slug }
      attribution { credit sourceUrl licence { id title url } }
      media { role altVi: alt(languages: ["vi"]) { text } altEn: alt(languages: ["en"]) { text } all: derivatives { usage quality entry { url } } }
    } }
  }
}`;

const MEDIA = `query PageMedia($slug: String!, $device: DeviceProfile!) {
  experience(slug: $slug) {
    media { role all: derivatives { usage entry { url } } derivatives(for: $device) { usage quality mediaType bytes baseUrl entry { path url } measures why } }
  }
}`;

export async function loadEverything() {
  let release = null;
  const sites = await allPages(EVERYTHING, (data) => {
    release = data.release;
    return data.sites;
  });
  const experiences = await allPages(EXPERIENCES, (data) => data.experiences);
  return { release, sites, experiences };
}

export async function loadMedia(slug) {
  const phone = matchMedia('(max-width: 760px)').matches;
  // a desktop gets more pixels, but not a million triangles: half of them have no graphics card to speak of
  const device = { deviceClass: phone ? 'PHONE' : 'DESKTOP', maxTriangles: 300_000 };
  const data = await ask(MEDIA, { slug, device });
  return data.experience.media;
}

async function allPages(query, connectionOf) {
  const nodes = [];
  for (let after = null; ; ) {
    const connection = connectionOf(await ask(query, { after }));
    nodes.push(...connection.edges.map((edge) => edge.node));
    if (!connection.pageInfo.hasNextPage) return nodes;
    after = connection.pageInfo.endCursor;
  }
}

async function ask(query, variables) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  if (answer.errors) throw new Error(answer.errors.map((error) => error.message).join('; '));
  return answer.data;
}
