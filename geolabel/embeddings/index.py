"""An index beside an embeddings file, for files that are searched often: nearly all of the nearest, in milliseconds.

Inverted lists (IVF): each vector is kept with the nearest of some thousand centres, and only the lists nearest to a
query are looked through. Source: Jégou, Douze, Schmid, "Product quantization for nearest neighbor search", 2011, III.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from geolabel import files
from geolabel.embeddings.header import count_of, read_header
from geolabel.embeddings.pieces import pieces
from geolabel.embeddings.rows import vectors_of
from geolabel.errors import InputError, InstallError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COMMAND = "embed search"
_NAME = "vectors.faiss"
_MOST_LISTS, _A_LIST, _PROBED = 4096, 64, 128
"""Lists; vectors a list at the least, and from which its centre is learned; lists that are looked through."""
_SEED = 0


def index_folder(path: Path) -> Path:
    """Where the index of an embeddings file lies."""
    return path.with_name(f"{path.stem}.index")


def is_fresh(path: Path) -> bool:
    """Whether there is an index of the file as it is now."""
    folder = index_folder(path)
    if not (folder / files.RECORD).is_file():
        return False
    try:
        told = json.loads((folder / files.RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("embeddings") == files.fingerprint(path) and (folder / _NAME).is_file()


def build_index(path: Path) -> None:
    """Build the index of a file, over an old one. Raises InputError, TileIndexError, InstallError, OutputError."""
    try:
        with files.new_directory(index_folder(path), COMMAND, overwrite=True) as draft:
            lists = _build(path, draft / _NAME)
            record = {"format": 1, "command": COMMAND, "embeddings": files.fingerprint(path), "lists": lists}
            files.write_json(draft / files.RECORD, record)
    except OutputError as error:
        told = str(error).rpartition(";")[0]
        raise OutputError(f"{told}; --index keeps its index there: make room for it, or leave --index out") from error


def _build(path: Path, target: Path) -> int:
    """Write the index to `target`; how many lists it has."""
    faiss = _faiss()
    header, count = read_header(path), count_of(path)
    lists = max(1, min(_MOST_LISTS, int(4 * count**0.5), count // _A_LIST))
    metric = faiss.METRIC_INNER_PRODUCT if header.norm else faiss.METRIC_L2
    centres = (faiss.IndexFlatIP if header.norm else faiss.IndexFlatL2)(header.size)
    index = faiss.IndexIVFScalarQuantizer(
        centres,
        header.size,
        lists,
        faiss.ScalarQuantizer.QT_fp16,
        metric,
        False,  # whole vectors, not what is left of them beside their centre
    )
    index.cp.min_points_per_centroid = 1  # else it complains of few vectors, on stderr
    some = np.sort(np.random.default_rng(_SEED).choice(count, min(count, lists * _A_LIST), replace=False))
    index.train(vectors_of(path, some).astype(np.float32))
    for _, vectors in pieces(path):
        index.add(np.asarray(vectors, np.float32))
    faiss.write_index(index, str(target))
    return lists


def nearest_by_index(path: Path, vectors: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Rows, in order, that are among the `count` nearest to one of some vectors (n, size); hardly any is missed.

    Raises InputError (the index is damaged), InstallError.
    """
    faiss = _faiss()
    stored = index_folder(path) / _NAME
    files.check_readable(stored, "the index of the vectors")
    try:
        index = faiss.read_index(str(stored), faiss.IO_FLAG_MMAP)
    except RuntimeError as error:
        raise InputError(f"{stored}: is damaged; delete the folder, and the index is built again") from error
    index.nprobe = min(_PROBED, index.nlist)
    _, rows = index.search(np.ascontiguousarray(vectors, np.float32), min(count, index.ntotal))
    found = np.unique(rows)
    return np.asarray(found[found >= 0], np.int64)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise InstallError("--index needs FAISS: pip install 'geolabel[search]'") from error
    return faiss
