"""Logs of every kind are read, their columns told, and bad ones refused with a message that helps."""

import csv
import json
import re

import numpy as np
import pytest
import torch

import rheostat as rh
import rheostat.ledger
from rheostat.errors import ScheduleError, SchedulerError

RUN = rh.Run(steps=200, steps_per_epoch=10)
SPEC = "warmup('10%') >> cosine(end=0.1)"
BASE = 0.1
PLANNED = rh.parse(SPEC).over(RUN, base=BASE).values()


def audit(source, **options):
    return rh.audit(source, SPEC, RUN, BASE, **options)


def table(path, names, rows, delimiter=","):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([names, *rows])
    return path


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    "step", ["step", "global_step", "update", "iteration", "trainer/global_step", "_step", "Step", "iter"]
)
@pytest.mark.parametrize(
    "lr", ["lr", "learning_rate", "lr-AdamW", "train/learning_rate", "lr/group_0", "train/lr", "lr_0", "Learning Rate"]
)
def test_usual_names_are_told(tmp_path, step, lr):
    path = table(
        tmp_path / "log.csv", ["loss", step, lr, "lr-AdamW-momentum"], [[1.5, t, v, 0.9] for t, v in enumerate(PLANNED)]
    )
    found = audit(path)
    assert found.matches
    assert found.where == f"{lr!r} over {step!r} of {path}"
    assert found.compared == 200


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters(tmp_path, delimiter):
    rows = [[t, v, "x"] for t, v in enumerate(PLANNED)]
    assert audit(table(tmp_path / "log.csv", ["step", "lr", "note"], rows, delimiter)).matches


def test_rows_without_a_value_are_left_out(tmp_path):
    """As Lightning's CSVLogger writes them: a row for each kind of number."""
    rows = [row for t, v in enumerate(PLANNED) for row in ([t // 10, t, v, ""], [t // 10, t, "", 2.0])]
    found = audit(table(tmp_path / "metrics.csv", ["epoch", "step", "lr-SGD", "loss"], rows))
    assert found.matches
    assert found.compared == 200


def test_jsonl_also_nested_and_torn(tmp_path):
    rows = [{"global_step": t, "train": {"lr": v, "tags": [1]}, "ok": True} for t, v in enumerate(PLANNED)]
    path = jsonl(tmp_path / "log.jsonl", rows)
    path.write_text(path.read_text() + '{"global_step": 200, "tr')
    found = audit(path)
    assert found.matches
    assert "'train/lr' over 'global_step'" in found.where


@pytest.mark.parametrize("group", [None, "a", "b"])
def test_our_own_ledger_with_several_groups(tmp_path, group):
    groups = [
        {"params": [torch.nn.Parameter(torch.ones(1))], "lr": lr, "name": n} for lr, n in ((0.1, "a"), (0.02, "b"))
    ]
    optimizer = torch.optim.SGD(groups, momentum=0.9)
    with rh.Ledger(tmp_path / "ledger.jsonl", every=3, rotate="20 rows") as ledger:
        scheduler = rh.Scheduler(optimizer, {"lr": SPEC, "momentum": "linear(end=0.5)"}, RUN, ledger=ledger)
        for _ in range(200):
            optimizer.step()
            scheduler.step()
    found = rh.audit(tmp_path, SPEC, RUN, 0.02 if group == "b" else BASE, group=group)
    assert found.matches
    assert ("groups a, b: all as planned" in str(found)) == (group is None)
    assert rh.audit(tmp_path / "ledger.jsonl", "linear(end=0.5)", RUN, 0.9, key="momentum").matches
    with pytest.raises(ScheduleError, match="group='c': need one of the ledger's groups: a, b"):
        audit(tmp_path, group="c")
    with pytest.raises(SchedulerError, match="has no values of 'beta'; it holds lr, momentum"):
        audit(tmp_path, key="beta")


def test_the_group_that_differs_is_the_one_reported(tmp_path):
    with rh.Ledger(tmp_path / "ledger.jsonl") as ledger:
        for t, v in enumerate(PLANNED):
            ledger.record(t, {"lr": {"a": v, "b": v * 2 if t < 50 else 0.5}})
    found = audit(tmp_path)
    assert (found.hypothesis, found.parameters["update"]) == ("overwritten", 50)
    assert "lr/b" in found.where


def test_a_ledger_in_which_a_value_was_nan(tmp_path):
    with rh.Ledger(tmp_path / "ledger.jsonl") as ledger:
        for t, v in enumerate(PLANNED):
            ledger.record(t, {"lr": {"0": v if t < 50 else float("nan")}})
    found = audit(tmp_path)
    assert (found.matches, found.hypothesis, found.first_difference.update) == (False, "none", 50)


@pytest.mark.parametrize("where", ["folder", "file"])
def test_tensorboard_in_float32(tmp_path, where):
    with rh.Ledger(tmp_path / "l.jsonl", also=rheostat.ledger.tensorboard(tmp_path / "tb")) as ledger:
        for t, v in enumerate(PLANNED):
            ledger.record(t, {"lr": {"0": v}})
            ledger.log(loss=1.0)
    source = tmp_path / "tb" if where == "folder" else next((tmp_path / "tb").iterdir())
    found = audit(source)
    assert found.matches
    assert found.compared == 200


def test_tensorboard_of_pytorch(tmp_path):
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path / "run") as writer:
        for t, v in enumerate(PLANNED):
            writer.add_scalar("train/learning_rate", v * 0.5, t)
            writer.add_scalar("train/epoch", t / 10, t)
            writer.add_scalar("loss", 1.0, t, new_style=True)
    found = audit(tmp_path)
    assert (found.hypothesis, round(found.parameters["factor"], 6)) == ("scaled", 0.5)
    with SummaryWriter(tmp_path / "other") as writer:
        writer.add_scalar("lr", 0.1, 0)
    with pytest.raises(SchedulerError, match=r"holds the events of several runs: .*run"):
        audit(tmp_path)


def test_a_log_that_counts_epochs(tmp_path):
    path = jsonl(tmp_path / "log.jsonl", [{"epoch": e, "lr": PLANNED[e * 10]} for e in range(20)])
    found = audit(path)
    assert found.matches
    assert "'epoch' counts epochs: epoch e is compared at update e × 10" in str(found)
    with pytest.raises(ScheduleError, match="steps_per_epoch=None: need the number of updates in an epoch"):
        rh.audit(path, SPEC, rh.Run(steps=200), BASE)


def test_a_resumed_run_logs_some_updates_twice(tmp_path):
    t = [*range(120), *range(100, 200)]
    lr = [0.5 if i in (110, 111) else PLANNED[step] for i, step in enumerate(t)]
    found = audit(jsonl(tmp_path / "log.jsonl", [{"step": s, "lr": v} for s, v in zip(t, lr, strict=True)]))
    assert found.matches
    assert "20 rows of updates that come again later, as a resumed run leaves them, were not compared" in str(found)
    shuffled = np.random.default_rng(0).permutation(200)
    assert audit({"step": shuffled, "lr": PLANNED[shuffled]}).matches


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"step": 0, "lr": 0.1, "lr": 0.2}\n', "line 1 has 'lr' twice: 0.1 and 0.2"),
        ('{"step": 0, "lr": 0.1}\n{"step": 1, "step": 2, "lr": 0.1}\n', "line 2 has 'step' twice: 1 and 2"),
        ('{"step": 0, "train": {"lr": 0.1}, "train/lr": 0.2}\n', "line 1 has 'train/lr' twice: 0.1 and 0.2"),
        ("step,lr,lr\n0,0.1,0.2\n", "the first line has 'lr' twice: column 2 and column 3"),
    ],
)
def test_of_two_columns_of_a_name_none_is_taken(tmp_path, text, name):
    path = tmp_path / "log"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SchedulerError, match=re.escape(name)):
        audit(path)


def test_of_two_given_columns_of_a_name_none_is_taken():
    with pytest.raises(ScheduleError, match="need columns whose names differ as text"):
        audit({"step": [0, 1], 1: [0.1, 0.1], "1": [0.2, 0.2]})


def test_notes_on_a_log_that_ends_early_or_goes_on(tmp_path):
    t = np.arange(150)
    assert "the log ends at update 149; 200 were planned" in str(audit({"step": t, "lr": PLANNED[:150]}))
    t = np.arange(260)
    held = np.append(PLANNED, np.full(60, 0.01))
    found = audit({"step": t, "lr": held})
    assert found.matches
    assert "goes on after the planned end, update 200" in str(found)


def test_named_columns(tmp_path):
    rows = [[t, t + 1, v, v * 2] for t, v in enumerate(PLANNED)]
    path = table(tmp_path / "log.csv", ["step", "iteration", "lr/0", "lr/1"], rows)
    with pytest.raises(SchedulerError, match=r"several columns may be meant: 'step', 'iteration'\. Try --step-column"):
        audit(path)
    with pytest.raises(SchedulerError, match=r"several columns may be meant: 'lr/0', 'lr/1'\. Try --lr-column"):
        audit(path, step_column="step")
    assert audit(path, step_column="step", group="0").matches
    assert audit(path, step_column="iteration", lr_column="lr/0").hypothesis == "off by one"
    with pytest.raises(ScheduleError, match=r"step_column='stop': need one of the log's columns .* Try 'step'"):
        audit(path, step_column="stop")


BAD = {
    "nothing": (b"", "is empty"),
    "blank": (b"step,lr\n", "holds no rows"),
    "no columns": (b"a,b\n1,2\n", r"no column looks like steps: .*Its columns: 'a, b'\. Try --step-column NAME"),
    "no lr": (b"step,loss\n1,2\n", r"no column looks like learning rates: .*Its columns: 'step, loss'"),
    "nan": (b"step,lr\n0,0.1\n1,nan\n", r"line 3: lr is nan: need a finite number, or nothing"),
    "words": (b"step,lr\n0,fast\n", r"line 2: lr is fast"),
    "negative": (b"step,lr\n-1,0.1\n", r"-1 is no update: need whole numbers"),
    "parts": (b"step,lr\n0.5,0.1\n", r"0\.5 is no update"),
    "huge": (b"step,lr\n1e300,0.1\n", r"1e\+300 is no update"),
    "no pair": (b"step,lr\n0,\n,0.1\n", "no row has both 'step' and 'lr'"),
    "binary": (b"\x00\x01\x02\xff" * 50, "is no text"),
    "latin": ("step,lr,ä\n".encode("latin1"), "is no text"),
    "no object": (b'{"step":0,"lr":0.1}\n[1]\n', "line 2 is no JSON object"),
    "list": (b'[{"step":0,"lr":0.1}]\n', "line 1 is no JSON object"),
    "deep": (b'{"a":' * 50 + b"1" + b"}" * 50 + b"\n", "nested more than 8 deep"),
    "very deep": (b'{"a":' * 500_000 + b"1" + b"}" * 500_000 + b"\n", "line 1 is no JSON object"),
    "digits": (b'{"step":' + b"9" * 100_000 + b',"lr":1}\n', "line 1 is no JSON object"),
    "NaN": (b'{"step":0,"lr":NaN}\n', "line 1: lr is nan"),
    "true": (b'{"step":0,"lr":true}\n', "line 1: lr is True"),
    "long line": (b"step,lr" + b"," * (17 * 2**20), "longer than 16 MiB"),
    "many columns": (
        b",".join(b"c%d" % i for i in range(20_000)) + b"\n" + b",".join([b"1"] * 20_000),
        "more than 10000 columns",
    ),
    "long cell": (b"step,lr\n0," + b"1" * 200_000 + b"\n", "is no CSV"),
    "damaged ledger": (b'{"rheostat_ledger":2}\nboo\n', "line 2 is damaged"),
    "empty ledger": (b'{"rheostat_ledger":2}\n', "has no values of 'lr'; it holds no rows"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_logs_are_refused(tmp_path, name):
    content, message = BAD[name]
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(SchedulerError, match=message):
        audit(tmp_path / "log")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: audit(p / "none.csv"), "there is no such file"),
        (lambda p: audit(p), "is a folder without ledger.jsonl or TensorBoard events"),
        (lambda p: audit(3), "source=3: need the path of a log"),
        (lambda p: audit({"step": [0], "lr": ["x"]}), "lr=.*need a column of numbers"),
        (lambda p: audit({"step": [0], "lr": [0.1]}, tolerance=2), "tolerance=2: need a finite number ≥ 0 and ≤ 0.1"),
        (lambda p: rh.audit({}, "cosine(", RUN), "not a schedule"),
        (lambda p: rh.audit({}, "cosine()", 100), "run=100: need a Run"),
        (lambda p: rh.audit({}, "cosine()", rh.Run()), "known length"),
        (lambda p: rh.audit({}, "plateau()", RUN), "need a schedule without plateau"),
        (lambda p: rh.audit({}, "cosine()", rh.Run(time="30 min")), "need a run whose positions are updates"),
        (lambda p: rh.audit({}, "cosine(end=absolute(1e-6))", RUN), "need a base value"),
        (lambda p: rh.audit({}, "cosine()", RUN, -1.0), "base=-1.0"),
    ],
)
def test_bad_calls_are_refused(tmp_path, call, message):
    with pytest.raises((ScheduleError, SchedulerError), match=message):
        call(tmp_path)


def test_a_ledger_needs_no_columns(tmp_path):
    with rh.Ledger(tmp_path / "ledger.jsonl") as ledger:
        ledger.record(0, {"lr": {"0": 0.1}})
    with pytest.raises(ScheduleError, match="lr_column='x': need nothing here"):
        audit(tmp_path, lr_column="x")


def test_a_schedule_without_end_over_a_run_without_length():
    t = np.arange(5000)
    spec = rh.parse("warmup('100 steps') >> inverse_sqrt('100 steps')")
    used = spec.over(rh.Run(), base=BASE).values(0, 5000)
    assert rh.audit({"step": t, "lr": used}, spec, rh.Run(), BASE).matches
    assert rh.audit({"step": t[1:], "lr": used[:-1]}, spec, rh.Run(), BASE).hypothesis == "off by one"


@pytest.mark.parametrize("name", ["key", "group", "step_column", "lr_column"])
@pytest.mark.parametrize("value", [True, 3, [], np.array([1, 2]), 1.5])
def test_an_audit_takes_names_as_text(name, value):
    run = rh.Run(steps=50)
    log = {"step": np.arange(50), "lr": rh.cosine().over(run).values()}
    with pytest.raises(rh.ScheduleError, match=rf"^{name}=.*: need a name, as text"):
        rh.audit(log, "cosine()", run, **{name: value})
