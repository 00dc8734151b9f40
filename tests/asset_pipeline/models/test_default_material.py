"""A model without materials gets glTF's default one by number; any other is left as it is."""

from pathlib import Path

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.prepare import prepare
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.default_material import spell_out_default

BARE = "gltf-compressed/DracoSparseMesh/DracoSparseMesh.gltf"


def test_the_default_is_spelled_out(shared: Path) -> None:
    document, _ = load_gltf(shared / "assets" / BARE)
    assert "materials" not in document.json
    dressed = spell_out_default(document)
    assert dressed.json["materials"] == [{}]
    assert [primitive["material"] for _, _, primitive in dressed.primitives()] == [0]
    assert "materials" not in document.json
    assert all("material" not in primitive for _, _, primitive in document.primitives())


def test_recipes_start_from_it(shared: Path) -> None:
    assert prepare(shared / "assets" / BARE, ModelOptions(search=False)).document.json["materials"] == [{}]


def test_others_are_left_alone(shared: Path) -> None:
    for name in ("gltf/BoxInterleaved.glb", "gltf/empty_nodes.glb"):
        document, _ = load_gltf(shared / "assets" / name)
        assert spell_out_default(document) is document
