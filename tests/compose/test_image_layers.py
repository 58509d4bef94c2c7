"""The reader of layers that test_hardening looks through images with, and needs no engine."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from compose.image_layers import File, files_of, is_private

KEY = b"-----BEGIN PRIVATE KEY-----\n"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\n"


def tar_of(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Two images on one base; what one layer of the second adds, the next one deletes."""
    layers = {
        "base": tar_of({"usr/bin/python": b"base"}),
        "one": tar_of({"app/one.py": b"1"}),
        "two": tar_of({"app/.env": b"a secret"}),
        "gone": tar_of({"app/.wh..env": b""}),
    }
    images = {"first": ["base", "one"], "second": ["base", "one", "two", "gone"]}
    manifest = [
        {"Config": f"{image}.json", "Layers": [f"blobs/{name}" for name in names]}
        for image, names in images.items()
    ]
    configs = {
        f"{image}.json": json.dumps({"rootfs": {"diff_ids": names}}).encode()
        for image, names in images.items()
    }
    blobs = {f"blobs/{name}": layer for name, layer in layers.items()}
    file = tmp_path / "images.tar"
    file.write_bytes(tar_of({"manifest.json": json.dumps(manifest).encode(), **configs, **blobs}))
    return file


def test_every_layer_is_read_once_but_the_bases(saved: Path) -> None:
    assert [(file.layer, file.path, file.content) for file in files_of(saved, {"base"})] == [
        ("blobs/one", "app/one.py", b"1"),
        ("blobs/two", "app/.env", b"a secret"),
        ("blobs/gone", "app/.wh..env", b""),
    ]


@pytest.mark.parametrize(
    ("path", "content", "private"),
    [
        ("app/master_keys", b"", True),
        ("app/.env", b"", True),
        ("root/.ssh/id_ed25519", b"", True),
        ("ca/server.pem", CERTIFICATE + KEY, True),
        ("ca/server.key", KEY, True),
        ("certifi/cacert.pem", CERTIFICATE, False),
        ("app/pem.py", KEY, False),
        ("app/id_token.py", b"", False),
        ("app/.env.example", b"", False),
    ],
)
def test_private_files_are_known_by_name_or_content(
    path: str, content: bytes, private: bool
) -> None:
    assert is_private(File("layer", path, content), {"master_keys"}) is private
