"""What the pages show of the clients is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.served import BOTO3, HEAVY, RUNNER, assert_shown, with_server


@pytest.mark.parametrize("page", with_server(*HEAVY))
def test_a_page_can_be_typed_from_top_to_bottom(page: Path, home: Path, folder: Path) -> None:
    (own := home / "own").mkdir()
    assert_shown(page, (RUNNER, BOTO3, *HEAVY), own, folder)
