"""What the layers of images hold beyond their base's, read from what `docker save` writes."""

import io
import json
import tarfile
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

_PRIVATE_NAMES = frozenset({".env", "id_rsa", "id_ecdsa", "id_ed25519"})


@dataclass(frozen=True, slots=True)
class File:
    layer: str
    path: str
    content: bytes

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


def files_of(saved: Path, base_layers: Collection[str]) -> Iterator[File]:
    """Every file of every layer but these, also what a later layer has deleted."""
    with tarfile.open(saved) as archive:
        for layer in _layers(archive, base_layers):
            blob = archive.extractfile(layer)
            assert blob is not None
            with closing(blob), tarfile.open(fileobj=io.BufferedReader(blob)) as files:
                for member in files:
                    content = files.extractfile(member) if member.isfile() else None
                    if content is not None:
                        yield File(layer, member.name, content.read())


def _layers(archive: tarfile.TarFile, base_layers: Collection[str]) -> list[str]:
    """Their names in the archive; layers that images share are there once."""
    found: dict[str, None] = {}
    for image in _json(archive, "manifest.json"):
        digests = _json(archive, image["Config"])["rootfs"]["diff_ids"]
        for digest, layer in zip(digests, image["Layers"], strict=True):
            if digest not in base_layers:
                found[layer] = None
    return list(found)


def _json(archive: tarfile.TarFile, name: str) -> Any:
    document = archive.extractfile(name)
    assert document is not None
    return json.load(document)


def is_private(file: File, secret_names: Collection[str]) -> bool:
    """By its name, or as a key in a file that may hold a public certificate as well."""
    if file.name in _PRIVATE_NAMES or file.name in secret_names:
        return True
    holds_keys = file.name.endswith((".pem", ".key"))
    return holds_keys and b"PRIVATE KEY-----" in file.content
