"""A compiler of tree ensembles: an XGBoost or scikit-learn model in, a shared library in `model.tar.gz` out.

    python -m workloads.compilation.trees [--input PATH] [--output DIR] [--framework XGBOOST|SKLEARN]
                                          [--jobs N] [--opt-level L] [--no-handler]

treelite reads the model, tl2cgen writes it as C, and several C compilers at once build the library: the tools that
SageMaker Neo itself uses for trees.

**The contract is invented.** A SageMaker compilation job takes no container of the user: what gets the SIGTERM there
is AWS's own compiler. This program stands in its place, with the conventions of a training container:

- `SM_CHANNEL_MODEL` (default `/opt/ml/input/data/model`): the folder with the `.tar.gz` of `InputConfig.S3Uri`, or with
  what was in it. An XGBoost model is a file in XGBoost's JSON or UBJSON (`*.json`, `*.ubj`, `*.model`, `*.bst`,
  `xgboost-model`); a scikit-learn model is a treelite checkpoint (`*.tl`; `source` says why, and why not a pickle).
- `SM_INPUT_CONFIG_DIR` (default `/opt/ml/input/config`): `compilationjobconfig.json` with `InputConfig` and
  `OutputConfig` of the Create request. `CompilerOptions` may be a dictionary with `jobs` and `opt-level`. The command
  line wins. XGBOOST and SKLEARN need no `DataInputConfig`; it is noted in the metadata.
- `SM_MODEL_DIR` (default `/opt/ml/model`): gets `model.tar.gz`, whole or not at all: `compiled.so`, `metadata.json`.
- `SM_OUTPUT_DIR` (default `/opt/ml/output`): gets the text file `failure` when the program fails.
- `TMPDIR`: everything on the way is in one folder there.
- `CC`: the C compiler; else `gcc`, `cc` or `clang`, the first one on PATH.

Only this machine's processor is compiled for. Another `TargetDevice` or `TargetPlatform` is accepted; log and metadata
then say what the library was really compiled for.

Exit codes: 0 compiled; 1 failed (`ClientError:` the model or the request, `ServerError:` the machine); 2 wrong usage.
On SIGTERM, from the first lines of this module on, it kills the compilers with all that they started, removes its
folder, leaves no partial output and exits 143. With `--no-handler` SIGTERM has its default action: all stays behind.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def _leave(signum: int, _frame: FrameType | None) -> None:
    """Until the driver is imported there is nothing to clean up."""
    os.write(1, b"SIGTERM: nothing was begun yet\n")
    os._exit(128 + signum)


if __name__ == "__main__":
    if "--no-handler" not in sys.argv:
        signal.signal(signal.SIGTERM, _leave)
    from workloads.compilation import driver  # below the handler: a SIGTERM during imports must not get lost

    # Not sys.exit: while Python shuts down, SIGTERM has its default action again, and would spoil a finished job.
    os._exit(driver.main(sys.argv[1:]))
