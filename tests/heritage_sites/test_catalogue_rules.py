"""Experiences against the catalogue they belong to; files are the rules' own names for them."""

from dataclasses import replace

import pytest

from heritage_sites import (
    Attribution,
    Catalogue,
    Experience,
    ExperienceKind,
    LocalisedText,
    Problem,
    Trigger,
    TriggerKind,
    find_problems,
    load_catalogue,
)

FILE = "experiences/sung-sot-model.json"
TITLE = LocalisedText.of({"vi": "Hang Sửng Sốt", "en": "Sung Sot Cave"})
MODEL = Experience(
    "sung-sot-model",
    "hang-sung-sot",
    ExperienceKind.MODEL,
    TITLE,
    LocalisedText({}),
    Attribution("CC-BY-4.0", "Ban Quản lý vịnh Hạ Long"),
    (Trigger(TriggerKind.ENTER, "hang-sung-sot-area"),),
    None,
    (),
    False,
)


@pytest.fixture(scope="module")
def seed() -> Catalogue:
    return load_catalogue()


def test_a_sound_experience_has_no_problems(seed):
    assert find_problems(replace(seed, experiences=(MODEL,))) == []


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        ({"site_id": "atlantis"}, "$.site_id", "There is no site 'atlantis'."),
        (
            {"title": LocalisedText.of({"en": "Cave"})},
            "$.title.vi",
            "The title in Vietnamese (vi) is missing.",
        ),
        (
            {"attribution": Attribution("GPL-3.0-only", "x")},
            "$.attribution.licence_id",
            "The licence 'GPL-3.0-only' is not known.",
        ),
        (
            {"triggers": (Trigger(TriggerKind.ENTER, "dao-ti-top-area"),)},
            "$.triggers[0].geofence_id",
            "The site 'hang-sung-sot' has no geofence 'dao-ti-top-area'.",
        ),
    ],
)
def test_faults_of_an_experience(seed, changes, where, message):
    (problem,) = find_problems(replace(seed, experiences=(replace(MODEL, **changes),)))
    assert (problem.file, problem.where, problem.message) == (FILE, where, message)


def test_an_experience_twice(seed):
    assert find_problems(replace(seed, experiences=(MODEL, MODEL))) == [
        Problem(FILE, "$.id", "The id 'sung-sot-model' is used twice.")
    ]
