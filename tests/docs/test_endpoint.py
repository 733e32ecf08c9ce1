"""The page of operations and members is what the endpoint does."""

from __future__ import annotations

from tests.tools import members


def test_the_page_of_members() -> None:
    assert members.PAGE.read_text() == members.page(), "python -m tests.tools.members --write"
