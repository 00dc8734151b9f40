import pickle
import unicodedata

import pytest

from heritage_sites.text import ChosenText, LocalisedText, Text, TextState

CAVE = LocalisedText(
    {
        "zh-Hant": Text("驚訝洞", TextState.MACHINE_REVIEWED),
        "vi": Text("Hang Sửng Sốt", TextState.HUMAN),
        "en": Text("Sung Sot Cave", TextState.HUMAN),
        "fr": Text("Grotte des Surprises", TextState.MACHINE),
        "ko": Text("", TextState.MISSING),
    }
)


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (["vi"], "vi"),
        (["vi-VN"], "vi"),
        (["VI_vn"], "vi"),
        (["de", "fr", "vi"], "fr"),
        (["zh-Hant-TW"], "zh-Hant"),
        (["ko"], "en"),
        (["ko", "vi"], "vi"),
        (["de"], "en"),
        (["zh"], "en"),
        ([], "en"),
        ([""], "en"),
    ],
)
def test_best_language(asked, language):
    assert CAVE.best(asked) == ChosenText(language, CAVE.texts[language].text, CAVE.texts[language].state)


def test_without_english_vietnamese_is_next_then_the_first_tag():
    assert LocalisedText.of({"fr": "Grotte", "vi": "Hang"}).best(["de"]).language == "vi"
    assert LocalisedText.of({"ko": "동굴", "fr": "Grotte"}).best(["de"]).language == "fr"


@pytest.mark.parametrize("texts", [{}, {"vi": Text("", TextState.MISSING)}])
def test_no_text_at_all_is_said_so(texts):
    assert LocalisedText(texts).best(["vi"]) == ChosenText("und", "", TextState.MISSING)


@pytest.mark.parametrize(("text", "state"), [("", "human"), (" \n", "machine"), ("Hang", "missing")])
def test_a_text_is_empty_exactly_when_it_is_missing(text, state):
    with pytest.raises(ValueError, match="state: want 'missing' for an empty text and only there"):
        Text(text, state)


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31mred", "\ud800"])
def test_what_is_not_text_is_refused(text):
    with pytest.raises(ValueError, match=r"text: holds a character that is not text \(U\+"):
        Text(text, TextState.HUMAN)


def test_length_limit():
    assert len(Text("x" * 20_000, TextState.HUMAN).text) == 20_000
    with pytest.raises(ValueError, match="text: want at most 20000 characters, got 20001"):
        Text("x" * 20_001, TextState.HUMAN)


def test_one_vietnamese_letter_has_one_spelling():
    decomposed = unicodedata.normalize("NFD", "Hang Sửng Sốt")
    assert decomposed != "Hang Sửng Sốt"
    assert Text(decomposed, TextState.HUMAN) == Text("Hang Sửng Sốt", TextState.HUMAN)


@pytest.mark.parametrize("tag", ["", "VI", "vi_VN", "vietnamese", "und", "vi-vn", "x" * 40, "vi\n"])
def test_language_tags_are_checked(tag):
    with pytest.raises(ValueError, match="texts: want language tags such as vi, en or zh-Hant"):
        LocalisedText({tag: Text("Hang", TextState.HUMAN)})


def test_texts_do_not_change_and_are_values():
    with pytest.raises(TypeError, match="does not change"):
        CAVE.texts["vi"] = Text("Hang khác", TextState.HUMAN)
    assert pickle.loads(pickle.dumps(CAVE)) == CAVE
    assert hash(pickle.loads(pickle.dumps(CAVE))) == hash(CAVE)
    assert list(CAVE.texts) == ["en", "fr", "ko", "vi", "zh-Hant"]


def test_of_leaves_out_what_is_empty():
    assert LocalisedText.of({"vi": "Hang", "en": " "}) == LocalisedText({"vi": Text("Hang", TextState.HUMAN)})
