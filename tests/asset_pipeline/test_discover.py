from pathlib import Path

import pytest

from asset_pipeline.discover import find_masters, referred_files
from asset_pipeline.sniff import sniff

PNG = b"\x89PNG\r\n\x1a\n0000"


def write(folder: Path, files: dict[str, bytes | str]) -> None:
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body if isinstance(body, bytes) else body.encode())


def names(folder: Path) -> list[str]:
    return [Path(master.name).relative_to(folder).as_posix() for master in find_masters([folder])]


def test_folders_are_walked_in_sorted_order_without_hidden_files(tmp_path):
    write(
        tmp_path,
        {"b/2.png": PNG, "b/1.png": PNG, "a.png": PNG, ".hidden.png": PNG, ".git/x.png": PNG, "B.png": PNG},
    )
    assert names(tmp_path) == ["B.png", "a.png", "b/1.png", "b/2.png"]


def test_parts_of_a_gltf_are_no_masters(tmp_path):
    gltf = '{"asset":{"version":"2.0"},"buffers":[{"uri":"mesh%20one.bin"}],"images":[{"uri":"tex\\/a.png"}]}'
    write(tmp_path, {"m/model.gltf": gltf, "m/mesh one.bin": b"\1\2", "m/tex/a.png": PNG, "m/tex/b.png": PNG})
    assert names(tmp_path) == ["m/model.gltf", "m/tex/b.png"]


def test_a_data_uri_longer_than_a_block_hides_no_later_reference(tmp_path):
    gltf = '{"buffers":[{"uri":"data:;base64,' + "A" * 3_000_000 + '"}],"images":[{"uri":"a.png"}]}'
    write(tmp_path, {"model.gltf": gltf, "a.png": PNG})
    assert names(tmp_path) == ["model.gltf"]


def test_an_obj_brings_its_library_and_that_its_textures(tmp_path):
    obj = "mtllib My Stone.mtl\nv 1 2 3\n"
    mtl = "newmtl a\nmap_Kd -s 1 1 1 tex\\Stone Wall.PNG\nbump bump.png\nmap_Ks missing.png\n"
    write(
        tmp_path,
        {"a.obj": obj, "My Stone.mtl": mtl, "tex/stone wall.png": PNG, "bump.png": PNG, "else.png": PNG},
    )
    assert names(tmp_path) == ["a.obj", "else.png"]


@pytest.mark.parametrize(
    "uri", ["../outside.png", "/etc/passwd", "file:///etc/passwd", "https://x.test/a.png", "a\\u0000b"]
)
def test_nothing_outside_the_masters_folder_is_a_part(tmp_path, uri):
    write(tmp_path, {"outside.png": PNG, "m/model.gltf": '{"images":[{"uri":"' + uri + '"}]}'})
    model = tmp_path / "m/model.gltf"
    assert referred_files(model, sniff(model)) == set()
    assert names(tmp_path) == ["m/model.gltf", "outside.png"]


def test_links_are_not_followed(tmp_path):
    write(tmp_path, {"secret/key.png": PNG, "given/a.png": PNG})
    (tmp_path / "given/link.png").symlink_to(tmp_path / "secret/key.png")
    (tmp_path / "given/folder").symlink_to(tmp_path / "secret")
    (tmp_path / "given/loop").symlink_to(tmp_path / "given")
    assert names(tmp_path / "given") == ["a.png"]


def test_a_file_named_itself_is_a_master_and_named_as_given(tmp_path, monkeypatch):
    write(tmp_path, {"m/model.gltf": '{"images":[{"uri":"a.png"}]}', "m/a.png": PNG})
    monkeypatch.chdir(tmp_path)
    masters = find_masters([Path("m/a.png"), Path("m"), Path("m/a.png")])
    assert [(master.name, master.file_type.name) for master in masters] == [
        ("m/a.png", "png"),
        ("m/model.gltf", "gltf"),
    ]


def test_special_files_are_passed_by(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    write(tmp_path, {"a.png": PNG})
    assert names(tmp_path) == ["a.png"]
