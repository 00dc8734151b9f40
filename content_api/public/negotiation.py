"""Which media type a GraphQL answer goes out in, and whether a request's own can be read."""

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
OFFERED = (JSON, GRAPHQL_RESPONSE)  # the first one where both are equally welcome
MAX_ACCEPT_CHARS = 1000  # browsers send about 100


def choose_media_type(accept: str | None) -> str | None:
    """The media type for the answer; None if the reader takes neither. No header: application/json."""
    if accept is None or not accept.strip():
        return JSON
    if len(accept) > MAX_ACCEPT_CHARS:
        return None
    ranges = [_parse_range(part) for part in accept.split(",") if part.strip()]
    weights = {offered: _weight(offered, ranges) for offered in OFFERED}
    best = max(weights.values())
    if best <= 0:
        return None
    # of types that weigh the same, one named in full comes before one that a wildcard lets in
    equals = [offered for offered in OFFERED if weights[offered] == best]
    named = [name for name, _ in ranges if name in equals]
    return named[0] if named else equals[0]


def is_readable_json(content_type: str | None) -> bool:
    """Whether a request body of this type is JSON in UTF-8."""
    if content_type is None:
        return False
    media_type, *parameters = content_type.split(";")
    if media_type.strip().lower() != JSON:
        return False
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            return False
    return True


def _parse_range(part: str) -> tuple[str, float]:
    """A media range and its weight; a weight that is no number refuses the type."""
    media_range, *parameters = part.split(";")
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                weight = float(value.strip())
            except ValueError:
                weight = 0.0
    return media_range.strip().lower(), weight if 0.0 <= weight <= 1.0 else 0.0


def _weight(offered: str, ranges: list[tuple[str, float]]) -> float:
    """The weight of the most exact range that covers a type (RFC 9110, 12.5.1)."""
    for covering in (offered, "application/*", "*/*"):
        weights = [weight for name, weight in ranges if name == covering]
        if weights:
            return max(weights)
    return 0.0
