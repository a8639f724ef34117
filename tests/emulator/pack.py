"""Packs bootstraps as Lambda takes them: pack.py BINARY ZIP [BINARY ZIP …]

Each binary becomes the file `bootstrap`, executable, in its ZIP. Quickly rather
than small, and several at once.
"""

import shutil
import sys
import zipfile
from concurrent.futures import ProcessPoolExecutor


def pack(binary, target):
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(target, "w", compresslevel=1) as archive:
        entry._compresslevel = 1
        with open(binary, "rb") as source, archive.open(entry, "w") as packed:
            shutil.copyfileobj(source, packed, 1 << 20)


if __name__ == "__main__":
    names = sys.argv[1:]
    with ProcessPoolExecutor() as workers:
        list(workers.map(pack, names[::2], names[1::2]))
