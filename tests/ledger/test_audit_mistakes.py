"""Each mistake, really made with PyTorch's own schedulers or by the loop, is named by the audit."""

import math
import warnings

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as pt

import rheostat as rh

N, EPOCH, BASE = 1000, 50, 0.1
RUN = rh.Run(steps=N, steps_per_epoch=EPOCH)
SPECS = {
    "cosine": "cosine(end=0.1)",
    "warmup and cosine": "warmup('100 steps') >> cosine(end=0.05)",
    "wsd": "wsd(warmup='5%', cooldown='20%')",
    "step": "step(every='150 steps', factor=0.5)",
    "one cycle": "one_cycle()",
    "linear": "linear(end=0.01)",
    "warmup and linear": "warmup('5%', start=0.1) >> linear()",
}


@pytest.fixture(params=SPECS, ids=SPECS)
def spec(request):
    return rh.parse(SPECS[request.param])


def optimizer(lr=BASE):
    return torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=lr)


def trained(schedule, stepping, lr=BASE, updates=N, run=RUN):
    """What each update used in a loop whose LambdaLR is stepped `stepping(t)` times after update t."""
    curve, opt = rh.parse(schedule).over(run), optimizer(lr)
    scheduler, used = pt.LambdaLR(opt, lambda t: curve.at(max(t, 0))), []
    for t in range(updates):
        used.append(opt.param_groups[0]["lr"])
        opt.step()
        for _ in range(stepping(t)):
            scheduler.step()
    return {"step": np.arange(updates), "lr": np.array(used)}


def shape(schedule):
    """The planned values, which some shapes hide a mistake in."""
    return rh.parse(schedule).over(RUN, base=BASE).values()


def audited(log, schedule, **options):
    found = rh.audit(log, schedule, RUN, BASE, **options)
    assert found.matches == (found.hypothesis == "as planned")
    if found.explained is not None:
        assert np.abs(found.explained - found.used).max() <= 1e-5 * found.used.max()
    return found


def test_a_correct_loop_is_as_planned(spec):
    found = audited(trained(spec, lambda t: 1), spec)
    assert found.matches
    assert str(found).startswith("as planned: every update used the planned value\n  compared: ")


@pytest.mark.parametrize("kind", ["float32", "thinned", "rounded to 6 digits", "rounded to 7 decimals"])
def test_no_false_alarm_on_what_a_logger_does_to_values(spec, kind):
    log = trained(spec, lambda t: 1)
    step, lr = log["step"], log["lr"]
    if kind == "thinned":
        step, lr = step[3::7], lr[3::7]
    elif kind == "float32":
        lr = lr.astype(np.float32)
    else:
        text = "{:.6g}" if "digits" in kind else "{:.7f}"
        lr = np.array([float(text.format(x)) for x in lr])
    if kind.startswith("rounded") and np.unique(lr).size < 20:
        return  # a few exact values are no rounded ones
    assert audited({"step": step, "lr": lr}, spec).matches


def test_off_by_one(spec):
    ahead = trained(spec, lambda t: 1)["lr"][1:]
    found = audited({"step": np.arange(N - 1), "lr": ahead}, spec)  # scheduler.step() before optimizer.step()
    assert (found.hypothesis, found.parameters) == ("off by one", {"k": 1})
    late = audited({"step": np.arange(1, N + 1), "lr": trained(spec, lambda t: 1)["lr"]}, spec)
    assert (late.hypothesis, late.parameters) == ("off by one", {"k": -1})
    assert "update" in str(late.first_difference)


@pytest.mark.parametrize("k", [2, 8])
def test_k_times_per_update(spec, k):
    found = audited(trained(spec, lambda t: k), spec)
    assert (found.hypothesis, found.parameters) == ("k times per update", {"k": k})


def test_every_kth_update(spec):
    found = audited(trained(spec, lambda t: int((t + 1) % 4 == 0)), spec)
    assert (found.hypothesis, found.parameters) == ("stepped every k-th update", {"k": 4})


def test_stepped_per_epoch(spec):
    log = trained(spec, lambda t: int((t + 1) % EPOCH == 0))
    found = audited(log, spec)
    if np.ptp(log["lr"]) == 0:
        assert found.hypothesis == "never decayed"  # after 20 of its 1000 steps a staircase has not begun to fall
    else:
        assert (found.hypothesis, found.parameters["k"]) == ("stepped per epoch", EPOCH)


def test_a_plan_whose_parts_do_not_fit_into_so_few_epochs_is_audited_all_the_same():
    schedule, run = "wsd(warmup='5%', cooldown='20%')", rh.Run(epochs=2, steps_per_epoch=EPOCH)
    used = rh.parse(schedule).over(run, base=BASE).values()
    log = {"step": np.arange(used.size), "lr": 2 * used}
    assert rh.audit(log, schedule, run, BASE).hypothesis == "scaled"
    log["lr"] = np.random.default_rng(0).random(used.size)
    found = rh.audit(log, schedule, run, BASE)
    assert (found.matches, found.hypothesis) == (False, "none")


def test_a_staircase_of_epochs():
    opt, used = optimizer(), []
    scheduler = pt.CosineAnnealingLR(opt, N // EPOCH, eta_min=0.01)
    for t in range(N):
        used.append(opt.param_groups[0]["lr"])
        opt.step()
        if (t + 1) % EPOCH == 0:
            scheduler.step()
    found = audited({"step": np.arange(N), "lr": np.array(used)}, "cosine(end=0.1)")
    assert (found.hypothesis, found.parameters) == ("stepped per epoch", {"m": EPOCH})
    unknown = rh.audit({"step": np.arange(N), "lr": np.array(used)}, "cosine(end=0.1)", rh.Run(steps=N), BASE)
    assert (unknown.hypothesis, unknown.parameters) == ("held for m updates", {"m": EPOCH})


@pytest.mark.parametrize("factor", [0.1, 8.0])
def test_scaled(spec, factor):
    found = audited(trained(spec, lambda t: 1, lr=BASE * factor), spec)
    assert found.hypothesis == "scaled"
    assert found.parameters["factor"] == pytest.approx(factor)


def test_two_schedulers_on_one_optimizer_scale():
    opt, used = optimizer(), []
    schedulers = [pt.ConstantLR(opt, 0.1, total_iters=10**6), pt.ExponentialLR(opt, 0.999)]
    for _ in range(N):
        used.append(opt.param_groups[0]["lr"])
        opt.step()
        for scheduler in schedulers:
            scheduler.step()
    found = audited({"step": np.arange(N), "lr": np.array(used)}, "exponential(factor=0.999, every='1 steps')")
    assert found.hypothesis == "scaled"
    assert found.parameters["factor"] == pytest.approx(0.1)


def test_never_decayed(spec):
    peak = int(shape(spec).argmax())
    found = audited(trained(spec, lambda t: int(t < peak)), spec)
    assert found.hypothesis == "never decayed"
    assert found.parameters["value"] == pytest.approx(BASE)


def test_never_stepped(spec):
    found = audited(trained(spec, lambda t: 0), spec)
    expected = "never decayed" if shape(spec)[0] == BASE else "never stepped"
    assert found.hypothesis == expected


def test_stopped(spec):
    planned = shape(spec)
    at = next(t for t in range(400, N) if planned[t] < 0.9 * BASE)
    found = audited(trained(spec, lambda t: int(t < at)), spec)
    assert found.hypothesis == "stopped"
    assert planned[int(found.parameters["update"])] == pytest.approx(planned[at])


@pytest.mark.parametrize("how", ["left out", "full value", "over the whole run"])
def test_warmup_missing(how):
    spec, rest = rh.parse("warmup('100 steps') >> cosine(end=0.05)"), rh.parse("cosine(end=0.05)")
    if how == "left out":
        log = {"step": np.arange(N), "lr": rest.over(rh.Run(steps=900), base=BASE).values(0, N)}
    elif how == "full value":
        log = trained(spec, lambda t: 1)
        log["lr"][:100] = BASE
    else:
        log = trained(rest, lambda t: 1)
    found = audited(log, spec)
    assert (found.hypothesis, found.parameters) == ("warmup missing", {"warmup": 100})


def test_warmup_missing_from_a_product_and_within_clip():
    for text in ("warmup('100 steps') * cosine()", "(warmup('100 steps') * cosine()).clip(min=0.001)"):
        log = trained(text.replace("warmup('100 steps') * ", ""), lambda t: 1)
        assert audited(log, text).hypothesis == "warmup missing"


def test_warmup_restarted():
    spec = rh.parse("warmup('100 steps') >> cosine(end=0.05)")
    planned = shape(spec)
    again = np.where(np.arange(N) < 600, 1.0, np.minimum((np.arange(N) - 599) / 100, 1.0))
    found = audited({"step": np.arange(N), "lr": planned * again}, spec)
    assert (found.hypothesis, found.parameters) == ("warmup restarted", {"update": 600, "warmup": 100})
    anew = spec.over(rh.Run(steps=400), base=BASE).values()  # a new scheduler over the updates that were left
    found = audited({"step": np.arange(N), "lr": np.append(planned[:600], anew)}, spec)
    assert (found.hypothesis, found.parameters) == ("warmup restarted", {"update": 600, "warmup": 100})


@pytest.mark.parametrize("position", [0, 450, 640])
def test_resumed_at_the_wrong_place(spec, position):
    curve, opt = spec.over(RUN), optimizer()
    scheduler, used = pt.LambdaLR(opt, curve.at), []
    for t in range(N):
        if t == 600:  # a process that restores the optimizer, and a scheduler from another checkpoint or none
            opt = optimizer()
            scheduler = pt.LambdaLR(opt, lambda s: curve.at(s + position))
        used.append(opt.param_groups[0]["lr"])
        opt.step()
        scheduler.step()
    found = audited({"step": np.arange(N), "lr": np.array(used)}, spec)
    assert found.hypothesis == "resumed at the wrong place"
    assert found.parameters["times"] == 1
    # Where the schedule is flat a jump shows later, and then by the same number of updates.
    assert found.parameters["update"] - found.parameters["position"] == pytest.approx(600 - position, abs=160)
    if "step" not in repr(spec):
        assert found.parameters["update"] - found.parameters["position"] == 600 - position


def test_a_wrong_resume_of_a_very_long_run():
    spec, run, t = rh.parse("warmup('1%') >> cosine(end=0.1)"), rh.Run(steps=8 * 10**6), np.arange(0, 8 * 10**6, 10**4)
    at = np.where(t < 6 * 10**6, t, t - 3 * 10**6)
    found = rh.audit({"step": t, "lr": spec.over(run).factors(at.astype(float)) * BASE}, spec, run, BASE)
    assert found.hypothesis == "resumed at the wrong place"
    assert found.parameters == {"update": 6 * 10**6, "position": 3 * 10**6, "times": 1}


def test_two_wrong_resumes():
    spec = rh.parse("warmup('5%') >> cosine()")
    curve = spec.over(RUN, base=BASE)
    t = np.arange(N)
    at = np.where(t < 400, t, np.where(t < 700, t - 100, t - 350))
    found = audited({"step": t, "lr": curve.values()[at]}, spec)
    assert found.hypothesis == "resumed at the wrong place"
    assert found.parameters == {"update": 400, "position": 300, "times": 2}
    assert "at update 700 the schedule was at 350" in found.finding


@pytest.mark.parametrize("until", [420, N])
def test_overwritten(spec, until):
    log = trained(spec, lambda t: 1)
    log["lr"][300:until] = 0.0123
    found = audited(log, spec)
    assert found.hypothesis == "overwritten"
    assert found.parameters == {"update": 300, "value": 0.0123} | ({} if until == N else {"until": until})


def test_overwritten_and_carried_on_by_a_recursive_scheduler():
    opt, used = optimizer(), []
    scheduler = pt.ExponentialLR(opt, 0.999)
    for t in range(N):
        if t == 300:
            opt.param_groups[0]["lr"] *= 0.25
        used.append(opt.param_groups[0]["lr"])
        opt.step()
        scheduler.step()
    found = audited({"step": np.arange(N), "lr": np.array(used)}, "exponential(factor=0.999, every='1 steps')")
    assert found.hypothesis == "scaled from an update on"
    assert found.parameters == pytest.approx({"update": 300, "factor": 0.25})


def test_climbed_after_the_end():
    opt, used = optimizer(), []
    scheduler = pt.CosineAnnealingLR(opt, N, eta_min=0.01)
    for _ in range(1500):
        used.append(opt.param_groups[0]["lr"])
        opt.step()
        scheduler.step()
    found = audited({"step": np.arange(1500), "lr": np.array(used)}, "cosine(end=0.1)")
    assert (found.hypothesis, found.parameters) == ("climbed after the end", {"update": N})


def test_a_periodic_cosine_that_was_too_short():
    opt, used = optimizer(), []
    scheduler = pt.CosineAnnealingLR(opt, 600, eta_min=0.01)
    for _ in range(N):
        used.append(opt.param_groups[0]["lr"])
        opt.step()
        scheduler.step()
    found = audited({"step": np.arange(N), "lr": np.array(used)}, "cosine(end=0.1)")
    assert (found.hypothesis, found.parameters) == ("run length", {"steps": 600})
    assert "past its end the values climb again" in found.finding


def test_started_again_after_the_end():
    t = np.arange(1300)
    lr = rh.linear().over(RUN, base=BASE).values()[t % N]
    assert audited({"step": t, "lr": lr}, "linear()").hypothesis == "restarted after the end"


@pytest.mark.parametrize("steps", [731, 1001, 5000])
@pytest.mark.parametrize("name", ["cosine", "linear", "warmup and cosine", "one cycle"])
def test_run_length(name, steps):
    spec = rh.parse(SPECS[name])
    run = rh.Run(steps=steps, steps_per_epoch=EPOCH)
    found = audited(trained(spec, lambda t: 1, run=run), spec)
    assert (found.hypothesis, found.parameters) == ("run length", {"steps": steps})


def test_shifted(spec):
    found = audited(
        {"step": np.arange(N), "lr": spec.over(RUN, base=BASE).values()[np.maximum(np.arange(N) - 7, 0)]}, spec
    )
    assert (found.hypothesis, found.parameters) == ("shifted", {"k": -7})


def test_two_mistakes_at_once_are_told_apart():
    spec = rh.parse("warmup('100 steps') >> cosine(end=0.05)")
    log = trained(spec, lambda t: 4, lr=BASE * 0.1)
    found = audited(log, spec)
    assert found.hypothesis == "k times per update"
    assert found.parameters == pytest.approx({"k": 4, "factor": 0.1})
    counted = {"step": np.arange(1, N + 1), "lr": trained(spec, lambda t: 4)["lr"]}
    found = rh.audit(counted, spec, RUN, BASE)
    assert found.parameters == {"k": 4, "counted from": 1}
    assert "the log counts updates from 1" in found.finding


def test_what_nothing_explains_names_the_first_difference(spec):
    log = trained(spec, lambda t: 1)
    noise = np.random.default_rng(0).uniform(0.9, 1.1, N - 200)
    log["lr"][200:] *= noise
    found = rh.audit(log, spec, RUN, BASE)
    assert (found.hypothesis, found.explained) == ("none", None)
    assert found.first_difference.update == 200
    assert found.first_difference.used / found.first_difference.planned == pytest.approx(noise[0])
    assert found.residual == pytest.approx(np.abs(log["lr"] - shape(spec)).max() / BASE)


def test_a_value_that_is_not_finite_differs():
    t = np.arange(N)
    lr = shape("cosine()").copy()
    lr[70] = math.inf
    found = rh.audit({"step": t, "lr": lr}, "cosine()", RUN, BASE)
    assert (found.hypothesis, found.first_difference.update) == ("none", 70)


def test_without_a_base_value_proportions_are_compared(spec):
    log = trained(spec, lambda t: 1, lr=0.037)
    found = rh.audit(log, spec, RUN)
    assert found.matches
    assert found.scale == pytest.approx(0.037)
    assert "no base value was given: 0.037" in str(found)
    assert rh.audit(trained(spec, lambda t: 4, lr=0.037), spec, RUN).hypothesis == "k times per update"


def test_without_a_base_value_what_differs_is_found_too():
    spec = rh.parse("warmup('5%') >> cosine()")
    log = trained(spec, lambda t: 1, lr=0.037)
    log["lr"][600:] *= 0.5
    found = rh.audit(log, spec, RUN)
    assert found.hypothesis == "scaled from an update on"
    assert found.parameters == pytest.approx({"update": 600, "factor": 0.5})
    other = rh.audit(trained("warmup('5%') >> linear()", lambda t: 1, lr=0.037), spec, RUN)
    assert (other.hypothesis, other.first_difference.update) == ("none", 51)  # the warmup is the same


def test_accelerate_like_stepping_past_the_end_climbs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opt, used = optimizer(), []
        scheduler = pt.CosineAnnealingLR(opt, N, eta_min=0.01)
        for _ in range(N):
            used.append(opt.param_groups[0]["lr"])
            opt.step()
            for _ in range(2):
                scheduler.step()
    found = audited({"step": np.arange(N), "lr": np.array(used)}, "cosine(end=0.1)")
    assert (found.hypothesis, found.parameters) == ("k times per update", {"k": 2})
    assert "past the end the values climb" in found.finding


@pytest.mark.parametrize("since", [0, 30_000])
def test_noise_is_told_at_once(since, monkeypatch):
    """Values that turn up and down all the time are no plan, whatever went wrong: none of the mistakes is tried."""
    n, run = 60_000, rh.Run(steps=60_000)
    used = rh.cosine(end=0.1).over(run, base=BASE).values()
    used[since:] *= 1 + 0.01 * np.random.default_rng(0).standard_normal(n - since)
    monkeypatch.setattr("rheostat.ledger.audit.search._one", lambda *_: pytest.fail("a mistake was tried"))
    assert rh.audit({"step": np.arange(n), "lr": used}, "cosine(end=0.1)", run, BASE).hypothesis == "none"


def test_many_cycles_are_no_noise():
    n, run = 60_000, rh.Run(steps=60_000)
    spec = "cyclic(low=0.1, up='6 steps', down='6 steps')"
    used = rh.parse(spec).over(run, base=BASE).values()
    late = rh.audit({"step": np.arange(1, n), "lr": used[:-1]}, spec, run, BASE)
    assert (late.hypothesis, late.parameters) == ("off by one", {"k": -1})
