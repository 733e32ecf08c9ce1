"""What the pages show of the clients is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import assert_same
from tests.docs.served import BOTO3, HEAVY, printed, sessions


@pytest.mark.parametrize(("page", "client"), sessions(BOTO3, *HEAVY))
def test_a_shown_output_is_the_real_one(page: Path, client: str, home: Path, folder: Path) -> None:
    (own := home / "own").mkdir()
    for one, text in printed(page, client, own, folder):
        assert_same(page, one, text)
