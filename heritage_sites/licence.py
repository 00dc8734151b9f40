"""Licences and the credit that must travel with every medium."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from heritage_sites.checks import FieldInvalid, set_field, text, web_url
from heritage_sites.frozen import FrozenMap

_SPDX_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence: its SPDX identifier (or LicenseRef-...), its title, the address of its text."""

    id: str
    title: str
    url: str | None = None

    def __post_init__(self) -> None:
        _check_licence_id("id", self.id)
        set_field(self, "title", text("title", self.title))
        if self.url is not None:
            web_url("url", self.url)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose work a medium is and under which licence; the credit is shown wherever the medium is."""

    licence_id: str
    credit: str
    source_url: str | None = None

    def __post_init__(self) -> None:
        _check_licence_id("licence_id", self.licence_id)
        set_field(self, "credit", text("credit", self.credit))
        if self.source_url is not None:
            web_url("source_url", self.source_url)


def _check_licence_id(field: str, licence_id: str) -> None:
    if not isinstance(licence_id, str) or not _SPDX_ID.fullmatch(licence_id):
        raise FieldInvalid(field, f"want an SPDX identifier or LicenseRef-..., got {str(licence_id)[:60]!r}")


_CC = "https://creativecommons.org"

LICENCES: Mapping[str, Licence] = FrozenMap(
    {
        licence.id: licence
        for licence in (
            Licence("Apache-2.0", "Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
            Licence("CC-BY-4.0", "Creative Commons Attribution 4.0", f"{_CC}/licenses/by/4.0/"),
            Licence(
                "CC-BY-NC-4.0", "Creative Commons Attribution-NonCommercial 4.0", f"{_CC}/licenses/by-nc/4.0/"
            ),
            Licence(
                "CC-BY-SA-4.0", "Creative Commons Attribution-ShareAlike 4.0", f"{_CC}/licenses/by-sa/4.0/"
            ),
            Licence("CC0-1.0", "Creative Commons Zero 1.0 (public domain)", f"{_CC}/publicdomain/zero/1.0/"),
            Licence(
                "LGPL-3.0-or-later", "GNU LGPL 3.0 or later", "https://www.gnu.org/licenses/lgpl-3.0.html"
            ),
            Licence("LicenseRef-all-rights-reserved", "All rights reserved, used with permission"),
            Licence("LicenseRef-public-domain", "Public domain, no known rights"),
            Licence(
                "ODbL-1.0",
                "Open Data Commons Open Database License 1.0",
                "https://opendatacommons.org/licenses/odbl/1-0/",
            ),
            Licence(
                "PDDL-1.0",
                "Open Data Commons Public Domain Dedication 1.0",
                "https://opendatacommons.org/licenses/pddl/1-0/",
            ),
        )
    }
)
"""The licences a contributor may name; `find_problems` refuses others. Add one here to allow it."""
