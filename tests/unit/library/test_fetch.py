"""Fetching from a real server: whole, resumed, refused, cancelled, and without a network."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from napari_mclstexp.errors import Cancelled, LibraryError
from napari_mclstexp.library import download
from napari_mclstexp.library.fetch import fetch
from napari_mclstexp.library.shelf import Shelf
from napari_mclstexp.progress import CancelToken
from support.http_kit import closed_port, content, entry, facts, read, serving
from support.shell_kit import files_under

WEIGHTS = content(0)


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    return Shelf(tmp_path / "shelf")


@pytest.fixture
def server():
    with serving(**{"net.pth": WEIGHTS, "a.tsv": b"counts", "b.jpg": content(1)}) as served:
        yield served


def net(address: str, **other):
    """Return an encoder's entry."""
    return read(entry("encoder", "net", {**facts("net.pth", WEIGHTS, address), **other}))


def data(address: str):
    """Return a data set of two files."""
    files = (
        facts("counts/a.tsv", b"counts", address),
        facts("img/b.jpg", content(1), address),
    )
    return read(entry("dataset", "two", *files))


def test_a_file_arrives_whole_and_is_fetched_once(server, shelf):
    seen = []
    path = fetch(net(server.address), shelf, progress=seen.append)
    assert path == shelf.weights / "net.pth"
    assert path.read_bytes() == WEIGHTS
    assert files_under(shelf.root) == {"downloads", "weights", "weights/net.pth"}
    assert (seen[-1].done, seen[-1].total, seen[-1].unit) == (400, 400, "kB")
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert fetch(net(server.address), shelf) == path
    assert server.ranges == [""]


def test_a_data_set_arrives_in_its_folders(server, shelf):
    seen = []
    folder = fetch(data(server.address), shelf, progress=seen.append)
    assert (folder / "counts/a.tsv").read_bytes() == b"counts"
    assert (folder / "img/b.jpg").read_bytes() == content(1)
    assert seen[0].total == seen[-1].total == seen[-1].done == 400
    (folder / "counts/a.tsv").write_bytes(b"change")
    fetch(data(server.address), shelf)  # only what is not as it should be
    assert (folder / "counts/a.tsv").read_bytes() == b"counts"
    assert len(server.ranges) == 3


def test_what_has_arrived_before_a_cut_is_not_fetched_again(server, shelf):
    server.cut_after = 163_840
    with pytest.raises(LibraryError, match=r"net\.pth broke off after 164 kB; fetch net again"):
        fetch(net(server.address), shelf)
    assert not (shelf.weights / "net.pth").exists()
    assert fetch(net(server.address), shelf).read_bytes() == WEIGHTS
    assert server.ranges == ["", "bytes=163840-"]


def test_what_has_arrived_before_a_cancel_is_not_fetched_again(server, shelf):
    server.slow, server.cut_after = threading.Event(), 163_840  # and then nothing more, for long
    cancel = CancelToken()
    start = time.monotonic()
    with pytest.raises(Cancelled) as caught:
        # Told of the last byte that comes, the person cancels.
        fetch(
            net(server.address),
            shelf,
            progress=lambda event: event.done >= 163 and cancel.cancel(),
            cancel=cancel,
        )
    assert time.monotonic() - start < 5  # in truth a tenth of one; the server holds on for 30
    assert "resumes from there" in caught.value.kept
    server.slow.set()
    assert fetch(net(server.address), shelf).read_bytes() == WEIGHTS
    assert server.ranges == ["", "bytes=163840-"]


def test_a_server_that_has_no_rest_to_give_is_asked_for_all(server, shelf):
    server.cut_after = 163_840
    with pytest.raises(LibraryError):
        fetch(net(server.address), shelf)
    (part,) = shelf.downloads.iterdir()
    part.write_bytes(b"longer than the file" * 100_000)  # answered with 416
    assert fetch(net(server.address), shelf).read_bytes() == WEIGHTS
    assert server.ranges[-1] == ""


@pytest.mark.parametrize(
    "checksum", [{}, {"sha256": None, "sha256_prefix": facts("", WEIGHTS)["sha256"][:8]}]
)
def test_a_file_with_a_wrong_checksum_is_refused_and_removed(server, shelf, checksum):
    server.files["net.pth"] = content(7)
    with pytest.raises(LibraryError, match=r"not the file expected .* and was removed; put net"):
        fetch(net(server.address, **checksum), shelf)
    assert files_under(shelf.root) == {"downloads", "weights"}
    server.files["net.pth"] = WEIGHTS
    assert fetch(net(server.address, **checksum), shelf).read_bytes() == WEIGHTS


def test_a_damaged_file_with_only_the_beginning_of_a_checksum_is_replaced(server, shelf):
    shelf.weights.mkdir(parents=True)
    (shelf.weights / "net.pth").write_bytes(b"damaged")
    prefix = {"sha256": None, "size": None, "sha256_prefix": facts("", WEIGHTS)["sha256"][:8]}
    assert fetch(net(server.address, **prefix), shelf).read_bytes() == WEIGHTS


def test_a_file_that_the_server_lost_is_named_with_what_to_do(server, shelf):
    del server.files["net.pth"]
    with pytest.raises(LibraryError, match=r"/net\.pth \(HTTP 404\); put net\.pth \(400,000 bytes"):
        fetch(net(server.address), shelf)


@pytest.mark.parametrize("wanted", [net, data])
def test_without_a_network_a_sentence_says_in_seconds_which_file_to_put_where(shelf, wanted):
    gone = wanted(closed_port())
    start = time.monotonic()
    with pytest.raises(LibraryError, match="cannot be reached") as caught:
        fetch(gone, shelf)
    assert time.monotonic() - start < 5
    file = gone.files[0]
    assert f"put {file.name} ({file.size:,} bytes, SHA-256 {file.sha256})" in str(caught.value)
    assert f"into {shelf.place(gone, file).parent}" in str(caught.value)
    if len(gone.files) > 1:
        assert "models add FOLDER" in str(caught.value)


def test_a_server_that_says_nothing_is_not_waited_for(shelf, monkeypatch):
    monkeypatch.setattr(download, "SILENCE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(LibraryError, match=r"cannot be reached \(no answer"):
            fetch(net(address), shelf)


def test_a_name_server_that_says_nothing_is_not_waited_for(shelf, monkeypatch):
    monkeypatch.setattr(download, "SILENCE_S", 0.3)
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(20) and [])
    start = time.monotonic()
    with pytest.raises(LibraryError, match=r"cannot be reached \(no answer"):
        fetch(net("http://hospital.example"), shelf)
    over.set()
    assert time.monotonic() - start < 10


def test_a_server_that_falls_silent_is_not_waited_for(server, shelf, monkeypatch):
    monkeypatch.setattr(download, "SILENCE_S", 0.3)
    server.slow, server.cut_after = threading.Event(), 163_840
    with pytest.raises(LibraryError, match="broke off after 164 kB"):
        fetch(net(server.address), shelf)


def test_what_has_no_address_is_told_how_to_be_added(shelf):
    with pytest.raises(LibraryError, match=r"cannot be fetched; .*models add FILE"):
        fetch(net(""), shelf)
