"""What the API has to say beside the catalogue's own words."""

from heritage_sites.text import LocalisedText, Text, TextState

ILLUSTRATION_NOTICE = LocalisedText(
    {
        "en": Text("Illustration made by a computer, not a scan or a picture of the place.", TextState.HUMAN),
        "vi": Text(
            "Hình minh họa do máy tính tạo ra, không phải bản quét hay ảnh chụp thực tế.", TextState.MACHINE
        ),
    }
)
