"""EXT_mesh_features: ids that are the order of the vertices survive the steps, others are kept or removed."""

import json

import numpy as np

from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.reorder import reorder
from asset_pipeline.models.steps.weld import weld
from tests.asset_pipeline.models.conftest import sheet


def features(*ids, **tree):
    document = sheet(**tree)
    (primitive,) = document.json["meshes"][0]["primitives"]
    primitive["extensions"] = {"EXT_mesh_features": {"featureIds": list(ids)}}
    document.json["extensionsUsed"] = ["EXT_mesh_features"]
    return document


def only_primitive(document):
    ((_, _, primitive),) = document.primitives()
    return primitive


def test_implicit_ids_become_a_column_that_goes_with_its_vertices(plain_glb):
    document, problems = load_gltf(plain_glb(features({"featureCount": 81, "label": "stones"})))
    assert [problem.message for problem in problems] == [
        "1 sets of feature ids were the order of the vertices; they have a column now."
    ]
    made = reorder(weld(document))
    primitive = only_primitive(made)
    assert primitive["extensions"]["EXT_mesh_features"]["featureIds"] == [
        {"featureCount": 81, "label": "stones", "attribute": 0}
    ]
    geometry = geometry_of(made, primitive)
    ids = geometry.attributes["_FEATURE_ID_0"].array[:, 0].astype(int)
    assert sorted(ids.tolist()) == list(range(81))
    assert ids.tolist() != list(range(81))
    before = sheet().accessors[0].array
    assert np.allclose(geometry.attributes["POSITION"].array, before[ids])


def test_explicit_ids_stay_and_the_next_free_number_is_taken(plain_glb):
    document = features({"featureCount": 1, "attribute": 0}, {"featureCount": 81, "propertyTable": 3})
    only_primitive(document)["attributes"]["_FEATURE_ID_0"] = 0
    document, _ = load_gltf(plain_glb(document))
    assert only_primitive(document)["extensions"]["EXT_mesh_features"]["featureIds"] == [
        {"featureCount": 1, "attribute": 0},
        {"featureCount": 81, "attribute": 1},
    ]


def test_ids_in_a_texture_are_removed_with_a_warning(plain_glb):
    texture = {"index": 0, "texCoord": 0, "channels": [0]}
    document, problems = load_gltf(plain_glb(features({"featureCount": 4, "texture": texture})))
    assert ["EXT_mesh_features was removed" in problem.message for problem in problems] == [True]
    assert "EXT_mesh_features" not in json.dumps(document.json)


def test_models_without_features_are_not_touched(plain_glb):
    document, problems = load_gltf(plain_glb(sheet()))
    assert problems == ()
    assert "extensions" not in only_primitive(document)
