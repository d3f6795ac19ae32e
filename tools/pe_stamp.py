# SPDX-License-Identifier: BSD-2-Clause
"""Makes the EFI image reproducible: clears the PE header's time stamp and checksum, marks it NX-compatible."""

import struct
import sys

NX_COMPAT = 0x0100

with open(sys.argv[1], "r+b") as f:
    data = bytearray(f.read())
    pe = struct.unpack_from("<I", data, 0x3C)[0]
    assert data[pe:pe + 4] == b"PE\0\0", "not a PE image"
    struct.pack_into("<I", data, pe + 8, 0)            # TimeDateStamp
    optional = pe + 24
    struct.pack_into("<I", data, optional + 64, 0)     # CheckSum
    flags = struct.unpack_from("<H", data, optional + 70)[0]
    struct.pack_into("<H", data, optional + 70, flags | NX_COMPAT)
    f.seek(0)
    f.write(data)
