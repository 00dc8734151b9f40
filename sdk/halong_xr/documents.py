"""The questions the SDK asks, as GraphQL documents. A test checks each against the committed schema."""

_TEXT = "fragment Localised on LocalisedText { language text state }"

_POSITION = "fragment Position on SitePosition { basis latDeg lonDeg uncertaintyM }"

_FENCE = """
fragment Fence on Geofence {
  id type liveUse geometry centreLatDeg centreLonDeg radiusM path halfWidthM minHeightM maxHeightM
}
"""

_SITE_BRIEF = """
fragment SiteBrief on Site {
  slug kind
  name(languages: $languages) { ...Localised }
  names { ...Localised }
  position { ...Position }
}
"""

_SITE = """
fragment SiteFull on Site {
  ...SiteBrief
  description(languages: $languages) { ...Localised }
  geofences { ...Fence }
  status visitNote notes sources
}
"""

_EXPERIENCE = """
fragment ExperienceFull on Experience {
  slug kind
  title(languages: $languages) { ...Localised }
  titles { ...Localised }
  summary(languages: $languages) { ...Localised }
  site { ...SiteBrief }
  illustration
  illustrationNotice(languages: $languages) { ...Localised }
  attribution { credit sourceUrl licence { id title url } }
  triggers { kind dwellS geofence { ...Fence } }
  anchor { kind latDeg lonDeg heightM quaternion }
  media {
    role
    alt(languages: $languages) { ...Localised }
    derivatives(for: $device) {
      derivativeId usage quality mediaType bytes fileCount fileListUrl baseUrl
      entry { path mediaType bytes sha256 }
      recipe measures why
    }
  }
}
"""

_TOUR = """
fragment TourFull on Tour {
  slug
  name(languages: $languages) { ...Localised }
  names { ...Localised }
  description(languages: $languages) { ...Localised }
  mode durationHours
  stops { position site { ...SiteBrief } note(languages: $languages) { ...Localised } }
  sources notes
}
"""

RELEASE = """
query Release {
  release { id sequence sandbox siteCount experienceCount tourCount languages }
}
"""

SITE = (
    """
query Site($slug: String!, $languages: [String!]) {
  site(slug: $slug) { ...SiteFull }
}
"""
    + _SITE
    + _SITE_BRIEF
    + _FENCE
    + _POSITION
    + _TEXT
)

SITES = (
    """
query Sites($first: Int, $after: String, $languages: [String!]) {
  sites(first: $first, after: $after) {
    edges { node { ...SiteFull } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + _SITE
    + _SITE_BRIEF
    + _FENCE
    + _POSITION
    + _TEXT
)

EXPERIENCE = (
    """
query Experience($slug: String!, $languages: [String!], $device: DeviceProfile) {
  experience(slug: $slug) { ...ExperienceFull }
}
"""
    + _EXPERIENCE
    + _SITE_BRIEF
    + _FENCE
    + _POSITION
    + _TEXT
)

EXPERIENCES_IN_CELL = (
    """
query ExperiencesInCell(
  $geohash: String!, $first: Int, $after: String, $languages: [String!], $device: DeviceProfile
) {
  experiencesInCell(geohash: $geohash, first: $first, after: $after) {
    edges { node { ...ExperienceFull } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + _EXPERIENCE
    + _SITE_BRIEF
    + _FENCE
    + _POSITION
    + _TEXT
)

TOURS = (
    """
query Tours($first: Int, $after: String, $languages: [String!]) {
  tours(first: $first, after: $after) {
    edges { node { ...TourFull } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + _TOUR
    + _SITE_BRIEF
    + _POSITION
    + _TEXT
)

DOCUMENTS = {
    "RELEASE": RELEASE,
    "SITE": SITE,
    "SITES": SITES,
    "EXPERIENCE": EXPERIENCE,
    "EXPERIENCES_IN_CELL": EXPERIENCES_IN_CELL,
    "TOURS": TOURS,
}
