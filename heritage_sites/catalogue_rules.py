"""The catalogue as one value, and the rules that hold between its parts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from heritage_sites import geofence_rules
from heritage_sites.experience import Experience
from heritage_sites.licence import LICENCES, Licence
from heritage_sites.problem import Problem, Severity
from heritage_sites.site import Site
from heritage_sites.text import REQUIRED_LANGUAGES, LocalisedText
from heritage_sites.tour import Tour

_LANGUAGE_NAMES = {"vi": "Vietnamese", "en": "English"}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All content of one state: sites, tours, the licences that may be named, and experiences."""

    sites: tuple[Site, ...]
    tours: tuple[Tour, ...]
    licences: tuple[Licence, ...] = tuple(LICENCES.values())
    experiences: tuple[Experience, ...] = ()

    def site(self, site_id: str) -> Site:
        """The site of this id. KeyError if there is none."""
        for site in self.sites:
            if site.id == site_id:
                return site
        raise KeyError(site_id)


class CatalogueInvalid(Exception):
    """The catalogue has errors; `problems` holds every one (and the warnings), in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        errors = sum(problem.severity is Severity.ERROR for problem in problems)
        super().__init__(f"the catalogue has {errors} error(s):\n" + "\n".join(map(str, problems)))

    def __reduce__(self) -> tuple[type["CatalogueInvalid"], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


def file_of(value: Site | Tour | Experience) -> str:
    """The file that holds a value, relative to the catalogue's folder: sites/hang-sung-sot.json."""
    folder = {Site: "sites", Tour: "tours", Experience: "experiences"}[type(value)]
    return f"{folder}/{value.id}.json"


def find_problems(catalogue: Catalogue) -> list[Problem]:
    """Every fault in and between sites, tours and experiences, as Problems in file order."""
    sites = {site.id: site for site in catalogue.sites}
    licence_ids = {licence.id for licence in catalogue.licences}
    problems = _find_repeats(catalogue)
    for site in catalogue.sites:
        problems += _in_file(site, _find_site_problems(site))
    for tour in catalogue.tours:
        problems += _in_file(tour, _find_tour_problems(tour, sites.keys()))
    for experience in catalogue.experiences:
        problems += _in_file(experience, _find_experience_problems(experience, sites, licence_ids))
    return sorted(problems, key=lambda problem: problem.file)


def _find_repeats(catalogue: Catalogue) -> list[Problem]:
    problems = []
    for values in (catalogue.sites, catalogue.tours, catalogue.experiences):
        seen: set[str] = set()
        for value in values:
            if value.id in seen:
                problems.append(Problem(file_of(value), "$.id", f"The id '{value.id}' is used twice."))
            seen.add(value.id)
    counts = Counter(geofence.id for site in catalogue.sites for geofence in site.geofences)
    problems += [
        Problem(file_of(site), f"$.geofences[{place}].id", f"The geofence id '{geofence.id}' is used twice.")
        for site in catalogue.sites
        for place, geofence in enumerate(site.geofences)
        if counts[geofence.id] > 1
    ]
    return problems


def _find_site_problems(site: Site) -> Iterable[Problem]:
    yield from _find_missing_languages("name", site.name)
    yield from _find_missing_languages("description", site.description)
    yield from _find_missing_sources(site.sources)
    for place, geofence in enumerate(site.geofences):
        for problem in geofence_rules.find_problems(geofence, site.position):
            where = f"$.geofences[{place}].{problem.where}".rstrip(".")
            yield replace(problem, where=where)


def _find_tour_problems(tour: Tour, site_ids: Iterable[str]) -> Iterable[Problem]:
    known = set(site_ids)
    yield from _find_missing_languages("name", tour.name)
    yield from _find_missing_languages("description", tour.description)
    yield from _find_missing_sources(tour.sources)
    for place, stop in enumerate(tour.stops):
        if stop.site_id not in known:
            yield Problem(
                "",
                f"$.stops[{place}].site_id",
                f"There is no site '{stop.site_id}'.",
                "Name a site of the catalogue, or name the place in the tour's notes.",
            )


def _find_experience_problems(
    experience: Experience, sites: dict[str, Site], licence_ids: set[str]
) -> Iterable[Problem]:
    yield from _find_missing_languages("title", experience.title)
    if experience.attribution.licence_id not in licence_ids:
        yield Problem(
            "",
            "$.attribution.licence_id",
            f"The licence '{experience.attribution.licence_id}' is not known.",
            f"Known are {', '.join(sorted(licence_ids))}.",
        )
    site = sites.get(experience.site_id)
    if site is None:
        yield Problem(
            "", "$.site_id", f"There is no site '{experience.site_id}'.", "Name a site of the catalogue."
        )
        return
    fence_ids = {geofence.id for geofence in site.geofences}
    for place, trigger in enumerate(experience.triggers):
        if trigger.geofence_id not in fence_ids:
            where = f"$.triggers[{place}].geofence_id"
            yield Problem("", where, f"The site '{site.id}' has no geofence '{trigger.geofence_id}'.")


def _find_missing_languages(field: str, texts: LocalisedText) -> Iterable[Problem]:
    for language in REQUIRED_LANGUAGES:
        if not texts.has(language):
            yield Problem(
                "",
                f"$.{field}.{language}",
                f"The {field} in {_LANGUAGE_NAMES[language]} ({language}) is missing.",
            )


def _find_missing_sources(sources: tuple[str, ...]) -> Iterable[Problem]:
    if not sources:
        yield Problem("", "$.sources", "No source is named.", "Say where the facts come from.")


def _in_file(value: Site | Tour | Experience, problems: Iterable[Problem]) -> list[Problem]:
    return [replace(problem, file=file_of(value)) for problem in problems]
