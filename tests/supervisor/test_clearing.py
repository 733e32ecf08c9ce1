"""What is removed of a job's folder at its end, and what must not be."""

from __future__ import annotations

from pathlib import Path

from runner.supervisor import folders


def test_what_could_be_saved_nowhere_else_is_not_removed(tmp_path: Path) -> None:
    for name in ("journal.jsonl", "log", "marks", "hosts", "ml/model/weights", "scratch/model.tar.gz"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    folders.clear(tmp_path, [tmp_path / "scratch/model.tar.gz"])
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["journal.jsonl", "log", "marks", "scratch/model.tar.gz"]
    folders.clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.jsonl", "log", "marks"]
