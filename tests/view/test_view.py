"""Pictures show what the curve is: checked by what was drawn, not by pixels."""

import re

import numpy as np
import pytest

import rheostat as rh
from rheostat.view.html import curve_html
from rheostat.view.pictures import compare_curves, plot_curve, run_picture, save_curves
from rheostat.view.points import key_points, sample
from rheostat.view.terminal import terminal

CURVE = rh.parse("warmup('5%') >> cosine(end=0.1)").over(rh.Run(epochs=90, steps_per_epoch=391), base=3e-4)


def test_what_is_drawn_is_the_curve():
    ax = CURVE.plot()
    t, drawn = ax.lines[0].get_data()
    assert np.array_equal(drawn, CURVE.values()[t.astype(int)])
    assert ax.get_xlabel() == "update"
    assert ax.get_ylabel() == "learning rate"
    assert ax.child_axes[0].get_xlabel() == "epoch"


def test_a_curve_is_drawn_where_and_as_told():
    ax = CURVE.plot()
    assert CURVE.plot(ax, label="ours", color="red") is ax
    assert [line.get_color() for line in ax.lines if line.get_label() == "ours"] == ["red"]


@pytest.mark.parametrize("n", [1, 2, 100, 4000, 100_000, 3_000_000])
def test_a_sample_misses_neither_joints_nor_peak_nor_ends(n):
    spec = (
        "warmup('1%') >> cosine_restarts(period='7%', end=0.01) * step(every='30%', factor=0.5)"
        if n > 500
        else "cosine()"
    )
    curve = rh.parse(spec).over(rh.Run(steps=n))
    t, values = sample(curve)
    assert t.size <= 4200
    assert (np.diff(t) > 0).all()
    assert {0, n - 1, *curve.joints, *(j - 1 for j in curve.joints)} <= set(t.astype(int))
    assert np.array_equal(values, [curve.at(x) for x in t])
    if n <= 100_000:
        assert values.max() == curve.values().max()


def test_key_points_name_first_joint_peak_last_and_after():
    found = [(p.t, p.what) for p in key_points(CURVE)]
    assert found == [
        (0, "first"),
        (1759, "peak"),
        (1760, "next part begins"),
        (35189, "last"),
        (35190, "held after the end"),
    ]
    assert [p.value for p in key_points(CURVE)] == [CURVE.at(t) for t, _ in found]


def test_a_curve_without_an_end_is_shown_too():
    curve = (rh.warmup("100 steps") >> rh.inverse_sqrt("100 steps")).over(rh.Run())
    assert key_points(curve)[-1].what == "last shown"
    assert "warmup" in curve_html(curve)
    plot_curve(curve)


def test_html_shows_text_as_text():
    curve = rh.from_function(np.sqrt).over(rh.Run(steps=10))
    html = curve_html(curve)
    assert "<ufunc" not in html
    assert "<script" not in html
    assert html == curve._repr_html_()
    assert "warmup(&#x27;5%&#x27;) &gt;&gt; cosine(end=0.1)" in CURVE._repr_html_()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_terminal_drawing_fits(width):
    text = terminal([CURVE], ["a"], width=width)
    assert max(map(len, text.splitlines())) <= width
    plain = terminal([CURVE, CURVE], ["a", "b"], width=width, plain=True)
    assert plain.isascii()
    assert "\x1b" not in text


def test_pictures_are_written_whole_or_not_at_all(tmp_path):
    path = save_curves([CURVE], ["one"], tmp_path / "one.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in tmp_path.iterdir()] == ["one.png"]
    with pytest.raises(rh.ScheduleError, match=r"need a name that ends in \.png\. Try '.*one\.png'"):
        save_curves([CURVE], ["one"], tmp_path / "one.jpg")
    with pytest.raises(rh.ScheduleError, match="need a folder that exists"):
        save_curves([CURVE], ["one"], tmp_path / "no" / "one.png")


def test_curves_are_compared_on_the_same_axes():
    ax = compare_curves([CURVE, CURVE], ["left", "right"])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["left", "right"]


def test_a_run_picture_needs_only_the_ledger(tmp_path):
    with rh.Ledger(tmp_path / "l.jsonl") as ledger:
        for t in range(30):
            ledger.record(t, {"lr": {"0": CURVE.at(t)}})
            ledger.log(loss=2.0 / (t + 1))
    assert run_picture(CURVE, tmp_path / "l.jsonl", tmp_path / "run.png").stat().st_size > 10_000


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "plotext", None)
    with pytest.raises(rh.SchedulerError, match=re.escape("this needs plotext. Try pip install 'rheostat[cli]'.")):
        terminal([CURVE], ["a"])
