"""Evidence of files in folders that come and go: none is missed, and where that cannot be had, it is said."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from runner.backends.base import Watched
from runner.keeper.saves import LISTED
from runner.keeper.tree import MOST_FOLDERS
from runner.lifecycle.facts import FactName
from tests.keeper.bench import PLAIN, Bench, Room
from tests.keeper.conftest import MakeBench
from tests.keeper.saving import Folder, files, named, names, reads_of, wake_ups_of
from tests.waiting import wait_until

MAKES_FOLDERS = """
for number in range(int(sys.argv[2])):
    os.makedirs(f"{model}/step-{number}/a/b")
    save(f"step-{number}/a/b/w")
    save(f"step-{number}/top", "")
"""
WAITS = "on_sigterm(lambda: None)\ntell('ready')\nwait_for_ever()"


def test_files_in_folders_that_were_made_just_before_are_not_missed(bench: Bench, room: Room) -> None:
    count = 100
    job = Folder(bench, room).launch(MAKES_FOLDERS + WAITS, count)
    job.stop(grace=60)
    job.wait_gone()
    for moment in ("stop", "end"):
        told = files(job, moment)
        assert (told["saved"], told["bytes"], told["open"]) == (2 * count, 7 * count, [])
        assert (len(told["saves"]), told["missed"]) == (LISTED, False)
        assert {save["how"] for save in told["saves"]} == {"created"}


def test_files_in_such_folders_that_are_still_open_are_open(bench: Bench, room: Room) -> None:
    text = """
os.makedirs(model + "/new")
left_open = open(model + "/new/w", "w")
left_open.write("x")
left_open.flush()
"""
    folder = Folder(bench, room)
    job = folder.launch(text + WAITS)
    job.stop(grace=60)
    job.wait_gone()
    stop = files(job, "stop")
    assert [(save["path"], save["writer"]["pid"]) for save in stop["open"]] == [(folder.path("new/w"), job.pid)]
    assert (stop["saves"], stop["missed"]) == ([], False)


def test_folders_that_are_removed_make_room_for_others(bench: Bench, room: Room) -> None:
    text = """
import shutil
for number in range(300):
    os.makedirs(f"{model}/step-{number}/a/b")
    if number % 50 == 49:
        for older in range(number - 49, number + 1):
            shutil.rmtree(f"{model}/step-{older}")
        time.sleep(0.05)
save("last")
"""
    job = Folder(bench, room).launch(text + WAITS)
    job.stop(grace=60)
    job.wait_gone()
    end = files(job, "end")
    assert (names(end["saves"]), end["missed"]) == (["last"], False)


def test_too_many_folders_are_said_to_be_too_many(bench: Bench, room: Room) -> None:
    job = Folder(bench, room).launch(MAKES_FOLDERS + WAITS, MOST_FOLDERS)
    job.stop(grace=60)
    job.wait_gone()
    end = files(job, "end")
    assert end["missed"]
    assert 0 < end["saved"] < 2 * MOST_FOLDERS
    assert len(end["saves"]) <= LISTED


def test_a_folder_that_is_renamed_takes_its_files_with_it(bench: Bench, room: Room) -> None:
    # As the Trainer of transformers saves: all files, then the rename of their folder.
    text = """
os.makedirs(model + "/tmp-step-1/optimizer")
save("tmp-step-1/w")
save("tmp-step-1/optimizer/o")
os.rename(model + "/tmp-step-1", model + "/step-1")
save("step-1/optimizer/later")
"""
    folder = Folder(bench, room)
    job = folder.launch(text + WAITS)
    job.stop(grace=60)
    job.wait_gone()
    end = files(job, "end")
    last = named(end["saves"], "later")
    assert (last["path"], last["became"]) == (folder.path("step-1/optimizer/later"), "there")
    assert {save["to"] or save["path"] for save in end["saves"]} == {
        folder.path("step-1/w"),
        folder.path("step-1/optimizer/o"),
        folder.path("step-1/optimizer/later"),
    }
    assert (end["saved"], end["open"], end["missed"]) == (3, [], False)


def test_a_renamed_folder_that_was_watched_before(bench: Bench, room: Room) -> None:
    text = """
os.rename(model + "/old", model + "/new")
save("new/w")
os.makedirs(model + "/old")
save("old/w")
"""
    folder = Folder(bench, room)
    (folder.here / "old" / "below").mkdir(parents=True)
    job = folder.launch(text + WAITS)
    job.stop(grace=60)
    job.wait_gone()
    end = files(job, "end")
    assert [save["path"] for save in end["saves"]] == [folder.path("new/w"), folder.path("old/w")]
    assert not end["missed"]


def test_a_folder_that_leaves_is_watched_no_more(bench: Bench, room: Room) -> None:
    text = """
save("here/w")
outside = os.path.dirname(model) + "/outside"
os.rename(model + "/here", outside)
"""
    folder = Folder(bench, room)
    (folder.here / "here").mkdir()
    job = folder.launch(text + WAITS)
    job.stop(grace=60)
    job.wait_gone()
    (save,) = files(job, "end")["saves"]
    assert (save["path"], save["became"], save["to"]) == (folder.path("here/w"), "renamed", None)


def test_a_watched_folder_that_is_removed_and_made_again_is_watched_again(bench: Bench, room: Room) -> None:
    text = """
import shutil
save("before")
shutil.rmtree(model)
os.makedirs(model + "/sub")
save("sub/after")
save("after")
os.rename(model, model + ".old")
os.makedirs(model)
save("third")
"""
    folder = Folder(bench, room)
    job = folder.launch(text + WAITS)
    job.stop(grace=60)
    job.wait_gone()
    assert job.one(FactName.ENDED)["code"] == 0
    end = files(job, "end")
    assert named(end["saves"], "third")["became"] == "there"
    found = {name: save["became"] for name, save in zip(names(end["saves"]), end["saves"], strict=True)}
    assert found.get("before", "removed") == "removed"
    assert (end["open"], end["missed"]) == ([], False)


def test_a_folder_that_is_not_there_at_the_launch(bench: Bench, room: Room) -> None:
    folder = Folder(bench, room)
    later = folder.watched.folder / "later"
    watched = Watched(later, folder.path("later"), "checkpoints")
    text = "os.makedirs(model + '/later')\nsave('later/w')\nsave('unwatched')\n"
    job = folder.launch(text + WAITS, watched=[watched])
    job.stop(grace=60)
    job.wait_gone()
    stop = files(job, "stop")
    assert [(save["path"], save["role"]) for save in stop["saves"]] == [(folder.path("later/w"), "checkpoints")]
    assert not stop["missed"]


def test_a_folder_that_can_never_be_there_is_said_to_be_missing(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench(PLAIN)
    folder = Folder(bench, PLAIN)
    link = tmp_path / "link"
    link.symlink_to(folder.here)
    nowhere = Watched(tmp_path / "no" / "where", "/no/where", "checkpoints")
    linked = Watched(link, str(link), "checkpoints")
    job = folder.launch("save('a')\ntell('ready')", watched=[nowhere, linked])
    job.wait_gone()
    end = files(job, "end")
    assert (end["saves"], end["missed"]) == ([], True)


def test_a_program_that_deletes_all_its_folders_ends_as_any_other(bench: Bench, room: Room) -> None:
    folder = Folder(bench, room)
    (folder.here / "a" / "b").mkdir(parents=True)
    job = folder.launch("import shutil\nsave('a/b/w')\nshutil.rmtree(model)\n" + WAITS)
    job.stop(grace=60)
    assert job.wait_gone()["code"] == 0
    end = files(job, "end")
    assert [save["became"] for save in end["saves"]] == ["removed"]
    assert (end["open"], end["missed"]) == ([], False)


def test_a_flood_of_files_is_counted_and_not_listed(bench: Bench, room: Room) -> None:
    count = 3000
    text = "for number in range(int(sys.argv[2])):\n    save(f'file-{number}')\n"
    folder = Folder(bench, room)
    job = folder.launch(text + WAITS, count)
    job.stop(grace=60)
    job.wait_gone()
    end = files(job, "end")
    assert end["missed"] or end["saved"] == count
    assert names(end["saves"]) == [f"file-{number}" for number in range(count - LISTED, count)]
    shutil.rmtree(folder.here)


def test_open_files_without_end_are_bounded(bench: Bench, room: Room) -> None:
    text = "kept = [open(f'{model}/file-{number}', 'w') for number in range(300)]\n"
    job = Folder(bench, room).launch(text + WAITS)
    job.stop(grace=60)
    job.wait_gone()
    stop = files(job, "stop")
    assert names(stop["open"]) == [f"file-{number}" for number in range(300 - LISTED, 300)]
    assert (stop["saved"], stop["missed"]) == (0, False)


def test_events_that_were_lost_are_told(make_bench: MakeBench) -> None:
    bench = make_bench(PLAIN)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    # Two files in turn: what is the same as the last event is joined with it.
    text = """
one, two = (open(model + name, "wb", buffering=0) for name in ("/one", "/two"))
tell("ready")
while not os.path.exists(model + "/go"):
    time.sleep(0.005)
for _ in range(int(sys.argv[2])):
    one.write(b"1")
    two.write(b"2")
tell("written")
on_sigterm(lambda: None)
wait_for_ever()
"""
    folder = Folder(bench, PLAIN)
    job = folder.launch(text, most)
    keeper = bench.backend.keeper_pid
    os.kill(keeper, signal.SIGSTOP)
    try:
        (folder.here / "go").touch()
        # Its output goes through the keeper: how much it has written tells when it is done.
        wait_until(lambda: (folder.here / "two").stat().st_size == most, within=20, saying="not written")
    finally:
        os.kill(keeper, signal.SIGCONT)
    job.wait_for_log("written")
    job.stop(grace=60)
    job.wait_gone()
    assert files(job, "stop")["missed"]


def test_a_big_writer_costs_few_reads_and_an_idle_one_none(make_bench: MakeBench) -> None:
    bench = make_bench(PLAIN)
    writes = 50_000
    text = """
with open(model + "/big", "wb", buffering=0) as big:
    big.write(b"x")
    tell("ready")
    while not os.path.exists(model + "/go"):
        time.sleep(0.005)
    for _ in range(int(sys.argv[2])):
        big.write(b"x" * 100)
tell("written")
on_sigterm(lambda: None)
wait_for_ever()
"""
    folder = Folder(bench, PLAIN)
    job = folder.launch(text, writes)
    keeper = bench.backend.keeper_pid
    before = reads_of(keeper)
    (folder.here / "go").touch()
    job.wait_for_log("written")
    assert reads_of(keeper) - before < writes / 10
    seen = [wake_ups_of(keeper)]

    def idle() -> bool:
        seen.append(wake_ups_of(keeper))
        return len(seen) > 40 and len(set(seen[-40:])) == 1

    wait_until(idle, within=20, saying=lambda: f"the keeper keeps waking up: {seen[-40:]}")
    job.stop(grace=60)
    job.wait_gone()
    (save,) = (save for save in files(job, "stop")["saves"] if save["size"])
    assert (save["size"], save["how"]) == (1 + 100 * writes, "created")


def test_a_job_that_is_gone_leaves_no_watch(bench: Bench, room: Room) -> None:
    def watches() -> int:
        fds = Path(f"/proc/{bench.backend.keeper_pid}/fdinfo")
        return sum(path.read_text().count("inotify wd:") for path in fds.iterdir())

    keeps = Folder(bench, room).launch(WAITS)
    before = watches()
    job = Folder(bench, room).launch("import shutil\nos.makedirs(model + '/a/b')\nshutil.rmtree(model)\n" + WAITS)
    job.stop(grace=60)
    job.wait_gone()
    wait_until(lambda: watches() == before, within=5, saying=lambda: f"{watches()} watches, and not {before}")
    keeps.kill()
    keeps.wait_gone()
