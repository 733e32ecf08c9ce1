"""The child that reads a model with treelite and writes it as C with tl2cgen.

A process of its own, run by its path, without anything of this project: both libraries are native code, during which no
Python signal handler runs, and may crash on a forged file. The driver stays free to react, and kills it at once.

    python -P generate.py MODEL FRAMEWORK FOLDER RESULT

writes the C files into FOLDER, and into RESULT a JSON object: what is known of the model, or `unreadable` with the
reason that treelite or tl2cgen gave, or `missing` with the library that is not installed.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

TREES_PER_FILE: Final = 10
MOST_FILES: Final = 32


def main(model: str, framework: str, folder: str, result: str) -> int:
    """Exit code 0: generated; 1: RESULT says why not."""
    facts = _generate(Path(model), framework, folder)
    Path(result).write_text(json.dumps(facts), encoding="utf-8")
    return 0 if "num_feature" in facts else 1


def _generate(model: Path, framework: str, folder: str) -> dict[str, Any]:
    try:
        treelite, tl2cgen = (importlib.import_module(name) for name in ("treelite", "tl2cgen"))
    except ImportError as error:
        return {"missing": error.name or str(error)}
    try:
        ensemble = _read(treelite, model, framework)
        units = min(MOST_FILES, -(-ensemble.num_tree // TREES_PER_FILE))
        with contextlib.redirect_stdout(io.StringIO()):  # tl2cgen prints its progress
            tl2cgen.generate_c_code(ensemble, dirpath=folder, params={"parallel_comp": units})
    except (treelite.TreeliteError, tl2cgen.TL2cgenError, ValueError) as error:
        return {"unreadable": _reason(str(error))}
    return {**_facts(ensemble), "treelite": treelite.__version__, "tl2cgen": tl2cgen.__version__}


def _read(treelite: Any, model: Path, framework: str) -> Any:
    if framework == "SKLEARN":
        return treelite.Model.deserialize(model)
    ends_in_json = model.suffix == ".json"
    return treelite.frontend.load_xgboost_model(model, format_choice="json" if ends_in_json else "inspect")


def _facts(ensemble: Any) -> dict[str, Any]:
    header = ensemble.get_header_accessor()
    return {
        "num_feature": ensemble.num_feature,
        "num_target": int(header.get_field("num_target")[0]),
        "num_class": header.get_field("num_class").tolist(),
        "num_tree": ensemble.num_tree,
        "input_type": ensemble.input_type,
        "output_type": ensemble.output_type,
        "postprocessor": header.get_field("postprocessor"),
    }


def _reason(text: str) -> str:
    """The first line of a native error, without its clock and source line: `[12:00:00] /src/x.cc:35: Reason`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"^\[[\d:]+\]\s*\S+:\d+:\s*", "", lines[0]) if lines else "no reason was given"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
