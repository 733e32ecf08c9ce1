"""The steps of one compilation, with a line on the log for each: read, generated, compiled, linked, packed."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workloads.compilation.failures import CompilationFailed, MachineFault
from workloads.compilation.options import Options, Places, arguments_of, read_options
from workloads.compilation.packing import pack
from workloads.compilation.source import ModelFile, find_model
from workloads.compilation.stopping import Belongings, say
from workloads.compilation.toolchain import LIBRARY, Generated, Toolchain, find_compiler


def main(argv: Sequence[str]) -> int:
    """The program: exit code 0 or 1; a stop ends the process from within its handler."""
    arguments = arguments_of(argv)
    belongings = Belongings()
    if not arguments.no_handler:
        belongings.install()
    places = Places.of(os.environ)
    try:
        compile_model(read_options(arguments, places), belongings)
    except CompilationFailed as failure:
        return _fail(str(failure), places.failure)
    except OSError as error:
        return _fail(str(MachineFault(str(error))), places.failure)
    return 0


def compile_model(options: Options, belongings: Belongings) -> Path:
    """The whole way from the model to `model.tar.gz`, whose path it returns. Raises CompilationFailed."""
    compiler = find_compiler(os.environ)
    _announce(options)
    with belongings.folder("trees-") as work:
        toolchain = Toolchain(belongings, compiler, work, options.jobs, options.opt_level)
        model = find_model(options.source, work / "input", options.framework)
        say(f"read {model.path.name}: {model.framework.value}, {model.path.stat().st_size} bytes")
        generated = toolchain.generate(model)
        say(f"generated {len(generated.sources)} files: {generated.facts['num_tree']} trees")
        library = _build(toolchain, generated)
        metadata = json.dumps(_metadata(options, model, generated), indent=1).encode()
        archive = pack({LIBRARY: library, "metadata.json": metadata}, options.result, belongings)
        say(f"packed {archive}: {archive.stat().st_size} bytes")
    return archive


def _build(toolchain: Toolchain, generated: Generated) -> Path:
    began = time.monotonic()
    say(f"compiling with {toolchain.compiler} -O{toolchain.opt_level}, {toolchain.jobs} at once")
    total = len(generated.sources)
    for count, done in enumerate(toolchain.compile(generated.sources), start=1):
        say(f"compiled {count}/{total} {done.source.name} {done.seconds:.1f}s")
    library = toolchain.link(generated.sources)
    say(f"linked {library.name}: {library.stat().st_size} bytes, {time.monotonic() - began:.1f}s in all")
    return library


def _announce(options: Options) -> None:
    if options.target:
        asked = next(iter(options.target.values()))
        say(f"target {json.dumps(asked)} is noted; the library is compiled for this machine, {_host()}")
    if options.unused:
        say(f"CompilerOptions: not used by this compiler: {options.unused}")


def _metadata(options: Options, model: ModelFile, generated: Generated) -> Mapping[str, Any]:
    return {
        "library": LIBRARY,
        "model": model.path.name,
        "framework": model.framework.value,
        **generated.facts,
        "target": dict(options.target),
        "compiled_for": _host(),
        "opt_level": options.opt_level,
        "data_input_config": options.data_input,
    }


def _host() -> str:
    return f"{platform.system().lower()}-{platform.machine()}"


def _fail(reason: str, file: Path) -> int:
    with suppress(OSError):
        os.write(2, f"{reason}\n".encode())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(reason, encoding="utf-8")
    except OSError as error:
        print(f"the reason could not be written to {file}: {error}", file=sys.stderr, flush=True)
    return 1
