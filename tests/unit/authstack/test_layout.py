"""Ports, URLs and folders of a stack."""

import stat
from pathlib import Path

import pytest

from authstack.errors import StackError
from authstack.files import make_private_folder
from authstack.layout import (
    BASE_PORTS,
    MAX_OFFSET,
    MAX_SOCKET_PATH_BYTES,
    PROJECT,
    Layout,
    choose_layout,
    make_folders,
)


@pytest.mark.parametrize("offset", [-1000, 1, 500, 1001, MAX_OFFSET + 1000])
def test_an_offset_that_cannot_be_is_refused(offset: int) -> None:
    with pytest.raises(StackError, match="multiple of 1000"):
        choose_layout(offset, None)


@pytest.mark.parametrize("offset", [0, 1000, MAX_OFFSET])
def test_every_port_moves_by_the_offset(offset: int, tmp_path: Path) -> None:
    layout = choose_layout(offset, tmp_path)
    for name, base in BASE_PORTS.items():
        assert layout.port(name) == base + offset
        assert layout.management_port(name) == base + offset + 100 <= 65535
    assert layout.resource == f"http://localhost:{3001 + offset}/mcp"


def test_no_two_sockets_of_a_stack_share_a_port() -> None:
    layout = Layout(Path("/nowhere"), 0)
    ports = [layout.port(name) for name in BASE_PORTS]
    ports += [layout.management_port(name) for name in BASE_PORTS if name != "registrar_internal"]
    assert len(ports) == len(set(ports))


def test_data_live_in_the_project_by_default() -> None:
    assert choose_layout(2000, None).data == PROJECT / ".authstack" / "2000"
    assert (PROJECT / "Makefile").is_file()


def test_sockets_live_in_the_data_folder_when_its_path_is_short() -> None:
    assert Layout(Path("/srv/stack"), 0).sockets == Path("/srv/stack/run")


def test_a_long_data_path_gets_a_short_socket_folder_of_its_own() -> None:
    deep = Path("/srv") / ("d" * 90)
    one, other = Layout(deep / "one", 0), Layout(deep / "other", 0)
    assert one.sockets != other.sockets
    for socket in (one.control_socket, one.valkey_socket):
        assert len(str(socket)) <= MAX_SOCKET_PATH_BYTES


def test_folders_are_private(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", 0)
    make_folders(layout)
    folders = [layout.data, layout.secrets, layout.logs, layout.valkey_data, layout.sockets]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700] * len(folders)


def test_an_open_folder_is_made_private(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o777)
    make_private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(StackError, match="not a folder of yours"):
        make_private_folder(tmp_path / "link")
