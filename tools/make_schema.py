"""Compile proto/caffe.proto into the descriptor set that caffe_lite reads its messages from.

Run it after each edit of the proto file::

    python tools/make_schema.py

It writes ``caffe_lite/schema/caffe.desc``, a serialized ``FileDescriptorSet``. Needs ``grpcio-tools`` (part
of the ``test`` extra) for its protoc; who installs caffe_lite needs no compiler.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from caffe_lite.files import atomic_write

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto" / "caffe.proto"
DESCRIPTOR_SET = ROOT / "caffe_lite" / "schema" / "caffe.desc"


def compile_schema(proto: Path = PROTO) -> bytes:
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
    """Write the descriptor set; 0 when done."""
    with atomic_write(DESCRIPTOR_SET) as file:
        file.write(compile_schema())
    return 0


if __name__ == "__main__":
    sys.exit(main())
