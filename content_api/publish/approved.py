"""What is to be published: the catalogue with the experiences of approved drafts, and of no others."""

from dataclasses import replace

from content_api.manage.drafts import Drafts, DraftStatus
from content_api.publish.errors import PublishRefused
from content_api.publish.publish import find_publish_problems
from content_api.store.base import Store
from heritage_sites.catalogue_rules import Catalogue, find_problems
from heritage_sites.problem import Severity


def load_publish_input(store: Store, drafts: Drafts, catalogue: Catalogue) -> Catalogue:
    """The catalogue value for `compile_release`.

    Raises PublishRefused with every Problem: faults of the catalogue, derivatives not whole in the store.
    """
    approved = tuple(draft.experience for draft in drafts.list_all(DraftStatus.APPROVED))
    full = replace(catalogue, experiences=(*catalogue.experiences, *approved))
    problems = [problem for problem in find_problems(full) if problem.severity is Severity.ERROR]
    problems += find_publish_problems(store, full)
    if problems:
        raise PublishRefused(problems)
    return full
