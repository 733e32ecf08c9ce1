"""The page of operations and members is what the endpoint does."""

from __future__ import annotations

import re

from runner import settings
from runner.wire.faults import FAULTS, STOPPING
from tests.docs.tables import code, table
from tests.tools import members


def test_the_page_of_members() -> None:
    assert members.PAGE.read_text() == members.page(), "python -m tests.tools.members --write"


def test_the_table_of_faults() -> None:
    rows = {code(row[0])[0]: row[1:] for row in table("endpoint.md", "Faults", "fault")}
    assert list(rows) == list(FAULTS)
    for name, text in FAULTS.items():
        assert rows[name] == [f"`{text.code}`", text.message, "yes" if text.seen else "assumed"]


def test_every_fault_can_be_set() -> None:
    kinds = {name.partition(".")[0] for name in FAULTS}
    assert kinds == set(settings.JOB_TYPES)
    assert {name.partition(".")[2] for name in FAULTS} | {STOPPING} == set(settings.FAULTS)


def test_every_placeholder_can_be_set() -> None:
    for name, text in FAULTS.items():
        assert set(re.findall(r"\{(\w+)\}", text.message)) <= set(settings.FAULTS[name.partition(".")[2]]), name
