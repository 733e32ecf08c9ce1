"""The model as it was uploaded: found, unpacked, and told apart by its kind. Nothing in it is executed.

A scikit-learn model usually travels as a pickle, and unpickling runs whatever code its author chose, with the rights
of the job. So pickles (joblib's too) are refused, and the form on disk is treelite's own checkpoint: binary, data only,
made by public calls of a public library, for every ensemble that treelite can import (forests, extra trees, gradient
boosting with and without histograms, isolation forests), and no file format of our own. Where the model is trusted, in
the program that trained it, this writes one:

    treelite.sklearn.import_model(classifier).serialize("model.tl")

A checkpoint is read by native code, which checks its version but was not written against forged files: that
happens in a child process, so a reader that crashes is a bad model and not the end of this program.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from workloads.compilation.failures import BadInput, MachineFault
from workloads.compilation.options import Framework

ARCHIVES: Final = (".tar.gz", ".tgz")
PICKLES: Final = (".pkl", ".pickle", ".joblib")
SUFFIXES: Final = {
    ".json": Framework.XGBOOST,
    ".ubj": Framework.XGBOOST,
    ".model": Framework.XGBOOST,
    ".bst": Framework.XGBOOST,
    ".tl": Framework.SKLEARN,
}
BUILT_IN_ALGORITHM: Final = "xgboost-model"
"""What SageMaker's own XGBoost calls its model file."""


class ModelFile(NamedTuple):
    """One model, ready to be read."""

    path: Path
    framework: Framework


def find_model(source: Path, work: Path, framework: Framework | None) -> ModelFile:
    """The one model in `source`: a folder, an archive (unpacked into `work`) or the model file itself.

    Raises BadInput for no model, several, a pickle, one of another framework, or an archive that is broken or unsafe.
    """
    files = list(_files(source))
    archives = [path for path in files if path.name.endswith(ARCHIVES)]
    if len(archives) > 1:
        raise BadInput(f"one .tar.gz is expected, not {_names(archives)}")
    if archives:
        unpack(archives[0], work)
        files = list(_files(work))
    models = [model for path in files if (model := _model(path)) and framework in (None, model.framework)]
    if len(models) == 1:
        return models[0]
    if models:
        raise BadInput(f"one model is expected, not {_names([model.path for model in models])}")
    raise BadInput(_why_none(files, framework))


def unpack(archive: Path, work: Path) -> None:
    """All files and folders of an archive. Whatever else is in it (links, devices, paths out of `work`) is refused.

    Not by tarfile's own filters: Python has them from 3.11.4 on, and Debian 12 has 3.11.2.
    """
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                _extract(members, member, work, archive.name)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"{archive.name} is not a whole .tar.gz: {error}") from error
    except OSError as error:
        raise MachineFault(f"{archive.name} could not be unpacked: {error}") from error


def _extract(members: tarfile.TarFile, member: tarfile.TarInfo, work: Path, archive: str) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise BadInput(f"{archive} is unsafe: {member.name!r} would lie outside of it")
    target = work / name
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    content = members.extractfile(member) if member.isreg() else None
    if content is None:
        raise BadInput(f"{archive} is unsafe: {member.name!r} is neither a file nor a folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("wb") as copy:
        shutil.copyfileobj(content, copy)


def _files(source: Path) -> Iterator[Path]:
    if source.is_file():
        yield source
    elif source.is_dir():
        hidden = (path.relative_to(source) for path in sorted(source.rglob("*")) if path.is_file())
        yield from (source / path for path in hidden if not any(part.startswith(".") for part in path.parts))
    else:
        raise BadInput(f"there is no model: {source} does not exist")


def _model(path: Path) -> ModelFile | None:
    framework = Framework.XGBOOST if path.name == BUILT_IN_ALGORITHM else SUFFIXES.get(path.suffix)
    return ModelFile(path, framework) if framework else None


def _why_none(files: list[Path], framework: Framework | None) -> str:
    pickles = [path for path in files if path.suffix in PICKLES]
    if pickles:
        return (
            f"{_names(pickles)} is a pickle, which could run any code and is not opened; write the model as a treelite"
            ' checkpoint instead: treelite.sklearn.import_model(model).serialize("model.tl")'
        )
    wanted = f"{framework.value} model" if framework else "model"
    kinds = [suffix for suffix, kind in SUFFIXES.items() if framework in (None, kind)]
    return f"no {wanted} ({' '.join(kinds)}) among the files: {_names(files) or 'none'}"


def _names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths)
