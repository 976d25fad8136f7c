"""Compile proto/caffe.proto and proto/forks.proto into the descriptor sets that caffe_lite reads its messages from.

Run it after each edit of a proto file::

    python tools/make_schema.py

It writes ``caffe_lite/schema/caffe.desc`` and ``forks.desc``, each a serialized ``FileDescriptorSet``. Needs
``grpcio-tools`` (part of the ``test`` extra) for its protoc; who installs caffe_lite needs no compiler.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from caffe_lite.files import atomic_write

ROOT = Path(__file__).resolve().parent.parent
DESCRIPTOR_SETS = {
    ROOT / "proto" / f"{name}.proto": ROOT / "caffe_lite" / "schema" / f"{name}.desc" for name in ("caffe", "forks")
}


def compile_schema(proto: Path) -> bytes:
    """The serialized ``FileDescriptorSet`` of ``proto``.

    Raises:
        ImportError: grpcio-tools is not installed.
        SystemExit: protoc found an error, and has printed it.
    """
    from grpc_tools import protoc

    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "caffe.desc"
        command = ["protoc", f"--proto_path={proto.parent}", f"--descriptor_set_out={output}", proto.name]
        if protoc.main(command) != 0:
            raise SystemExit(1)
        return output.read_bytes()


def main() -> int:
    """Write the descriptor sets; 0 when done."""
    for proto, target in DESCRIPTOR_SETS.items():
        compiled = compile_schema(proto)
        with atomic_write(target) as file:
            file.write(compiled)
    return 0


if __name__ == "__main__":
    sys.exit(main())
