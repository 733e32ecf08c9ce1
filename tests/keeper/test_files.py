"""Evidence of files: what was saved, when it was complete, what was cut off, and who wrote it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from runner.lifecycle.facts import FactName
from tests.keeper.bench import PID1, PLAIN, Bench, Room
from tests.keeper.conftest import MakeBench
from tests.keeper.saving import Folder, files, named, names, wake_ups_of
from tests.waiting import wait_until

MEMBERS = ["path", "role", "how", "begun", "done", "changed", "size", "became", "to", "writer"]

ATOMIC = """
def save_well():
    with open(model + "/w.tmp", "w") as file:
        file.write("x" * 1000)
        file.flush()
        os.fsync(file.fileno())
    os.rename(model + "/w.tmp", model + "/w")
"""
GROWS = """
def write_for_ever():
    with open(model + "/big", "wb", buffering=0) as file:
        tell("writes")
        while True:
            file.write(bytes(1000))
            time.sleep(0.001)
"""


def test_a_save_by_another_name_and_a_rename(bench: Bench, room: Room) -> None:
    folder = Folder(bench, room)
    job = folder.launch(f"{ATOMIC}\non_sigterm(save_well)\ntell('ready')\nwait_for_ever()")
    job.stop(grace=60)
    ended = job.wait_gone()
    assert ended["code"] == 0
    stop, end = files(job, "stop"), files(job, "end")
    assert (stop["saved"], stop["saves"], stop["open"], stop["missed"]) == (0, [], [], False)
    (save,) = end["saves"]
    assert list(save) == MEMBERS
    assert (save["path"], save["to"], save["became"]) == (folder.path("w.tmp"), folder.path("w"), "renamed")
    assert (save["role"], save["how"], save["size"]) == ("model", "created", 1000)
    assert (end["saved"], end["bytes"], end["open"], end["missed"]) == (1, 1000, [], False)
    assert job.one(FactName.SIGNAL)["t"] < save["begun"] <= save["done"] < end["t"]
    assert not job.facts(FactName.KILL)


def test_the_facts_stand_where_they_belong(bench: Bench, room: Room) -> None:
    job = Folder(bench, room).launch("signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntell('ready')\nwait_for_ever()")
    job.stop(grace=0.3)
    job.wait_gone()
    told = [fact.get("moment", fact["fact"]) for fact in job.facts() if fact["fact"] != "process-ended"]
    assert told == [
        *("launch", "started", "executed"),
        *("stop", "before", "stop", "signal", "after", "deadline", "kill", "kill", "ended", "end", "gone"),
    ]
    # What was killed is what is told: the fact is of the instant before.
    kill = job.one(FactName.KILL)
    assert job.one(FactName.SIGNAL)["deadline"] <= files(job, "kill")["t"] <= kill["t"]


def test_what_was_saved_before_the_stop_is_told_before_its_signal(bench: Bench, room: Room) -> None:
    # The queue is left alone for a while after each event: at a stop it must not be.
    for _ in range(5):
        folder = Folder(bench, room)
        job = folder.launch("on_sigterm(lambda: None)\nsave('a')\nsave('b')\nsave('c')\ntell('ready')\nwait_for_ever()")
        job.stop(grace=60)
        job.wait_gone()
        stop = files(job, "stop")
        assert names(stop["saves"]) == ["a", "b", "c"]
        assert all(save["done"] <= stop["t"] < job.one(FactName.SIGNAL)["t"] for save in stop["saves"])


def test_a_job_that_ends_by_itself_has_told_its_files_too(bench: Bench, room: Room) -> None:
    job = Folder(bench, room).launch("save('a')\ntell('ready')")
    job.wait_gone()
    assert [fact["moment"] for fact in job.facts(FactName.FILES)] == ["end"]
    assert names(files(job, "end")["saves"]) == ["a"]


def test_a_job_that_watches_nothing_tells_nothing(bench: Bench, room: Room) -> None:
    job = Folder(bench, room).launch("save('a')\ntell('ready')\nwait_for_ever()", watched=[])
    job.stop(grace=0)
    job.wait_gone()
    assert job.one(FactName.LAUNCH)["watched"] == []
    assert not job.facts(FactName.FILES, FactName.TEMPORARIES)


def test_a_program_that_is_not_there_has_no_end_to_tell_of(bench: Bench, room: Room) -> None:
    folder = Folder(bench, room)
    job = bench.launch(["/nonexistent/program"], room, ready=None, watched=[folder.watched])
    job.wait_gone()
    assert not job.facts(FactName.FILES)
    assert job.one(FactName.LAUNCH)["watched"] == [{"role": "model", "path": folder.seen, "asked": False}]


def test_writing_in_place_is_told_from_a_new_file(bench: Bench, room: Room) -> None:
    folder = Folder(bench, room)
    (folder.here / "old").write_text("from before")
    text = "save('old', 'new weights')\nsave('new')\nsave('new', 'again')\ntell('ready')"
    job = folder.launch(text)
    job.wait_gone()
    saves = files(job, "end")["saves"]
    assert [(name, save["how"]) for name, save in zip(names(saves), saves, strict=True)] == [
        ("old", "overwritten"),
        ("new", "created"),
        ("new", "overwritten"),
    ]
    assert (saves[0]["size"], saves[2]["size"]) == (11, 5)
    assert {save["became"] for save in saves} == {"there"}


def test_a_file_that_is_opened_for_writing_and_left_as_it_is_is_no_save(bench: Bench, room: Room) -> None:
    folder = Folder(bench, room)
    (folder.here / "old").write_text("from before")
    job = folder.launch("open(model + '/old', 'r+').close()\ntell('ready')")
    job.wait_gone()
    end = files(job, "end")
    assert (end["saves"], end["open"], end["saved"]) == ([], [], 0)


def test_an_empty_file_is_a_save_of_nothing(bench: Bench, room: Room) -> None:
    text = "save('empty', '')\nos.close(os.open(model + '/lock', os.O_CREAT | os.O_RDONLY))\ntell('ready')"
    job = Folder(bench, room).launch(text)
    job.wait_gone()
    end = files(job, "end")
    assert [(save["size"], save["how"]) for save in end["saves"]] == [(0, "created"), (0, "created")]
    assert (names(end["saves"]), end["open"], end["bytes"]) == (["empty", "lock"], [], 0)


def test_a_save_that_the_deadline_cut_off_is_open_at_the_kill_and_its_writer_known(bench: Bench, room: Room) -> None:
    job = Folder(bench, room).launch(f"{GROWS}\non_sigterm(write_for_ever)\ntell('ready')\nwait_for_ever()")
    job.stop(grace=0.6)
    job.wait_gone()
    kill, end = files(job, "kill"), files(job, "end")
    (cut,) = kill["open"]
    assert (cut["how"], cut["done"], cut["role"]) == ("created", None, "model")
    assert cut["size"] > 0
    assert cut["writer"] == {"pid": job.pid, "inner": 1 if room.is_pid1 else job.pid, "name": cut["writer"]["name"]}
    assert kill["saved"] == 0
    # The kernel closed it: that does not make it complete, and its time tells.
    (closed,) = end["saves"]
    assert closed["done"] > job.one(FactName.KILL)["t"] >= kill["t"]
    assert (closed["writer"], end["open"]) == (cut["writer"], [])
    assert closed["size"] >= cut["size"]


def test_a_save_that_grows_is_larger_at_the_kill_than_at_the_stop(bench: Bench, room: Room) -> None:
    text = f"{GROWS}\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntell('ready')\nwrite_for_ever()"
    job = Folder(bench, room).launch(text)
    job.wait_for_log("writes")
    job.stop(grace=0.5)
    job.wait_gone()
    (first,), (last,) = files(job, "stop")["open"], files(job, "kill")["open"]
    assert (first["path"], first["begun"]) == (last["path"], last["begun"])
    assert first["writer"]["pid"] == last["writer"]["pid"] == job.pid
    assert first["size"] < last["size"]


def test_a_kill_without_a_stop_tells_what_it_cut_off(bench: Bench, room: Room) -> None:
    job = Folder(bench, room).launch(f"{GROWS}\ntell('ready')\nwrite_for_ever()")
    job.wait_for_log("writes")
    job.kill()
    job.wait_gone()
    assert [fact["moment"] for fact in job.facts(FactName.FILES)] == ["kill", "end"]
    (cut,) = files(job, "kill")["open"]
    assert cut["writer"]["pid"] == job.pid


def test_a_child_that_writes_when_the_main_process_ends_is_named(bench: Bench, room: Room) -> None:
    text = f"{GROWS}\nfork(write_for_ever)\non_sigterm(lambda: None)\ntell('ready')\nwait_for_ever()"
    job = Folder(bench, room).launch(text)
    job.wait_for_log("writes")
    job.stop(grace=60)
    job.wait_gone()
    (left,) = job.one(FactName.LEFT_OVER)["processes"]
    (before,) = files(job, "stop")["open"]
    assert before["writer"] == {"pid": left["pid"], "inner": left["inner"], "name": left["name"]}
    end = files(job, "end")
    # As PID 1 it takes the child with it, whose files the kernel closes; else the child is still at it.
    (save,) = end["saves"] if room.is_pid1 else end["open"]
    assert (save["done"] is None) is (not room.is_pid1)
    assert save["writer"]["pid"] == left["pid"]


def test_a_child_that_begins_to_write_after_the_signal_is_named(bench: Bench, room: Room, tmp_path: Path) -> None:
    text = f"""{GROWS}
def flag(name):
    while not os.path.exists(sys.argv[2] + name):
        time.sleep(0.001)
def write_later():
    flag("/looked")
    write_for_ever()
def hand_over():  # as a wrapper that leaves before its child is done
    fork(write_later)
    flag("/leave")
on_sigterm(hand_over)
tell("ready")
wait_for_ever()
"""
    job = Folder(bench, room).launch(text, tmp_path)
    job.stop(grace=60)
    (tmp_path / "looked").touch()  # the look that follows the signal is over: that one cannot have seen it
    job.wait_for_log("writes")
    keeper = bench.backend.keeper_pid
    until = wake_ups_of(keeper) + 20  # it comes to the queue of files again and again
    wait_until(lambda: wake_ups_of(keeper) > until, within=20, saying=lambda: "the keeper follows no file")
    (tmp_path / "leave").touch()
    job.wait_gone()
    end = files(job, "end")
    (save,) = end["saves"] if room.is_pid1 else end["open"]
    assert save["writer"]["pid"] == job.one(FactName.LEFT_OVER)["processes"][0]["pid"]


def test_what_is_removed_again(bench: Bench, room: Room) -> None:
    text = """
save("kept")
save("removed")
os.remove(model + "/removed")
save("replaced")
save("other")
os.replace(model + "/other", model + "/replaced")
with open(model + "/scratch", "w") as scratch:
    scratch.write("x")
    os.remove(model + "/scratch")
tell("ready")
"""
    folder = Folder(bench, room)
    job = folder.launch(text)
    job.wait_gone()
    end = files(job, "end")
    assert {name: save["became"] for name, save in zip(names(end["saves"]), end["saves"], strict=True)} == {
        "kept": "there",
        "removed": "removed",
        "replaced": "removed",
        "other": "renamed",
    }
    assert named(end["saves"], "other")["to"] == folder.path("replaced")
    assert (end["open"], end["missed"]) == ([], False)


def test_what_is_moved_in_or_linked_is_complete_at_once(bench: Bench, room: Room) -> None:
    text = """
outside = sys.argv[2]
for name in ("a", "b", "folder/c"):
    with open(os.path.join(outside, name), "w") as file:
        file.write("123")
os.rename(outside + "/a", model + "/a")
os.link(outside + "/b", model + "/b")
os.remove(outside + "/b")
with open(model + "/b") as file:
    file.read()
os.rename(outside + "/folder", model + "/folder")
on_sigterm(lambda: os.rename(model + "/a", outside + "/a"))
tell("ready")
wait_for_ever()
"""
    folder = Folder(bench, room)
    # Beside the watched folder: a rename does not go from one mount to another, and in pid1 /opt/ml is one.
    outside = folder.here.parent / "outside"
    (outside / "folder").mkdir(parents=True)
    job = folder.launch(text, "/opt/ml/outside" if room.is_pid1 else outside)
    job.stop(grace=60)
    job.wait_gone()
    stop = files(job, "stop")
    assert sorted(names(stop["saves"])) == ["a", "b", "c"]
    assert {(save["how"], save["size"]) for save in stop["saves"]} == {("moved-in", 3)}
    assert all(save["begun"] == save["done"] for save in stop["saves"])
    assert (named(stop["saves"], "c")["path"], stop["open"]) == (folder.path("folder/c"), [])
    left = named(files(job, "end")["saves"], "a")
    assert (left["became"], left["to"]) == ("renamed", None)


def test_a_name_that_is_switched_by_a_link_is_no_save(bench: Bench, room: Room, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    text = """
save("step-1")
os.symlink("step-1", model + "/latest.tmp")
os.rename(model + "/latest.tmp", model + "/latest")
os.symlink(sys.argv[2], model + "/elsewhere")
with open(model + "/elsewhere/unseen", "w") as file:
    file.write("links are not followed")
os.mkfifo(model + "/fifo")
on_sigterm(lambda: None)
tell("ready")
wait_for_ever()
"""
    job = Folder(bench, room).launch(text, outside)
    assert (outside / "unseen").exists()
    job.stop(grace=60)
    job.wait_gone()
    end = files(job, "end")
    assert (names(end["saves"]), end["open"], end["missed"]) == (["step-1"], [], False)


def test_what_is_read_is_told(bench: Bench, room: Room) -> None:
    folder = Folder(bench, room)
    (folder.here / "step-1").mkdir()
    (folder.here / "step-1" / "w").write_text("weights")
    (folder.here / "other").write_text("not read")
    text = """
os.listdir(model)
with open(model + "/step-1/w") as file:
    file.read()
tell("ready")
"""
    job = folder.launch(text)
    job.wait_gone()
    end = files(job, "end")
    assert (end["read"], end["saves"]) == ([folder.path("step-1/w")], [])


def test_names_that_are_no_text_leave_the_journal_json(bench: Bench, room: Room) -> None:
    text = """
for name in (b"line\\nfeed", b"escape\\x1b[31m", b"not-utf8-\\xff", "schön".encode(), b'quote"back\\\\slash', b"{}"):
    with open(os.path.join(os.fsencode(model), name), "w") as file:
        file.write("x")
tell("ready")
"""
    folder = Folder(bench, room)
    job = folder.launch(text)
    job.wait_gone()
    found = files(job, "end")["saves"]
    assert names(found) == ["line\nfeed", "escape\x1b[31m", "not-utf8-\udcff", "schön", 'quote"back\\slash', "{}"]
    assert sorted(os.fsencode(name) for name in names(found)) == sorted(os.listdir(os.fsencode(folder.here)))
    for line in job.journal().splitlines():
        assert isinstance(json.loads(line), dict)
        assert line.isascii()


def test_two_jobs_at_once_see_their_own_files(bench: Bench, room: Room) -> None:
    text = "on_sigterm(lambda: save('after'))\nsave(sys.argv[2])\ntell('ready')\nwait_for_ever()"
    jobs = [Folder(bench, room).launch(text, f"of-{number}") for number in range(2)]
    bench.stop(jobs, 60)
    for number, job in enumerate(jobs):
        job.wait_gone()
        assert names(files(job, "stop")["saves"]) == [f"of-{number}"]
        assert names(files(job, "end")["saves"]) == [f"of-{number}", "after"]


def test_two_jobs_that_share_a_folder_both_see_it(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench(PLAIN)
    first, second = Folder(bench, PLAIN), None
    keeps = first.launch("on_sigterm(lambda: None)\ntell('ready')\nwait_for_ever()")
    second = Folder(bench, PLAIN)
    goes = second.launch(
        f"model = {first.seen!r}\nsave('shared')\ntell('ready')", watched=[first.watched, second.watched]
    )
    goes.wait_gone()
    # The end of one of them must not take the watch from the other.
    (first.here / "later").write_text("by somebody else")
    keeps.stop(grace=60)
    keeps.wait_gone()
    assert names(files(goes, "end")["saves"]) == ["shared"]
    assert names(files(keeps, "end")["saves"]) == ["shared", "later"]


def test_a_folder_that_is_watched_twice_is_told_once(bench: Bench, room: Room) -> None:
    folder = Folder(bench, room)
    (folder.here / "below").mkdir()
    named_again = type(folder.watched)(folder.here / "below", folder.path("below"), "checkpoints", True)
    job = folder.launch("save('below/w')\nsave('w')\ntell('ready')", watched=[folder.watched, named_again])
    job.wait_gone()
    end = files(job, "end")
    assert [(save["role"], save["path"]) for save in end["saves"]] == [
        ("checkpoints", folder.path("below/w")),
        ("model", folder.path("w")),
    ]
    assert [one["asked"] for one in job.one(FactName.LAUNCH)["watched"]] == [False, True]


@pytest.mark.parametrize("room", [PID1], ids=["pid1"])
def test_files_are_no_news_to_who_waits_for_none(bench: Bench, room: Room) -> None:
    job = Folder(bench, room).launch("save('a')\ntell('ready')\nwait_for_ever()")
    before = len(job.facts())
    wait_until(job.see, within=5, saying="no look")
    assert [fact["fact"] for fact in job.facts()[before:]] == ["look"]
    job.kill()
    job.wait_gone()


def test_what_was_saved_before_the_kill_is_told_before_it(bench: Bench, room: Room) -> None:
    text = """
def save_for_ever():
    for number in range(10000):
        save(str(number))
        time.sleep(0.003)
on_sigterm(save_for_ever)
tell("ready")
wait_for_ever()
"""
    folder = Folder(bench, room)
    job = folder.launch(text)
    job.stop(grace=0.25)
    job.wait_gone()
    kill = files(job, "kill")
    # A save is over when the next one has begun. The kernel's clock of files may be a tick of 10 ms behind.
    written = [entry.stat().st_mtime_ns for entry in sorted(folder.here.iterdir(), key=lambda entry: int(entry.name))]
    surely = sum(time < kill["w"] - 15_000_000 for time in written) - 1
    assert kill["saved"] >= surely
    assert all(save["done"] <= kill["t"] <= job.one(FactName.KILL)["t"] for save in kill["saves"])
