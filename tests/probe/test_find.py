"""Short runs: that they are the real training in small, that failures are answers, and that nothing is left."""

import math

import numpy as np
import pytest
import torch

import rheostat as rh
from probe.test_range_test import data, linear, loss, sgd
from probe.training import Training
from rheostat.probe.effort import planned, usual_updates
from rheostat.probe.search import middle, search
from rheostat.probe.trials import Trial


def found(model=None, optimizer=None, batches=None, loss_of=loss, **options):
    model = model or linear()
    given = {"run": rh.Run(steps=500), "schedule": "cosine()"} | options
    return rh.find_lr(model, optimizer or sgd(model), batches or data(60), loss_of, **given)


def test_it_finds_what_the_real_training_wants():
    result = found(run=rh.Run(steps=60))
    assert result.status == "ok"
    assert result.band[0] <= result.suggestion <= result.band[1]
    scores = {}
    for lr in (result.suggestion / 30, result.suggestion, result.suggestion * 30):
        model = linear()
        optimizer = sgd(model, lr=lr)
        rh.Scheduler(optimizer, "cosine()", rh.Run(steps=60))
        for batch in data(60):
            value = loss(model, batch)
            value.backward()
            optimizer.step()
            optimizer.zero_grad()
        scores[lr] = value.item()
    assert scores[result.suggestion] == min(scores.values())
    assert result.updates == result.looked + sum(t.updates for t in result.trials)
    assert result.updates <= usual_updates("balanced", 60)
    assert f"{result.suggestion:.2g}" in str(result)
    assert {t.updates for t in result.trials} <= {30} | {t.updates for t in result.trials if t.note}


@pytest.mark.parametrize("kind", ["adamw", "two", "tensor", "lbfgs", "scaler", "generator", "ours"])
def test_nothing_is_left(kind):
    training = Training(kind)
    training.train(1)
    before, held = training.state(), training.objects()
    extra = {"scaler": training.scaler, "schedule": "warmup('10%') >> cosine()", "run": rh.Run(steps=200)}
    result = rh.find_lr(training.model, training.optimizers, training.loader, training.loss, **extra)
    assert training.state() == before
    assert training.objects() == held
    assert len(result.trials) >= 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_nothing_is_left_after_an_interrupt(error):
    training, left = Training("adamw"), [130]
    before = training.state()

    def stop(done, lr, value):
        left[0] -= 1
        if not left[0]:
            raise error

    with pytest.raises(error):
        rh.find_lr(
            training.model, training.optimizers, training.loader, training.loss, run=rh.Run(steps=99), watch=stop
        )
    assert training.state() == before


class Recorder(torch.optim.SGD):
    """Notes what each update used."""

    used = ()

    def step(self, closure=None):
        self.used = (*self.used, [(g["lr"], g["momentum"]) for g in self.param_groups])
        return super().step(closure)


def test_a_short_run_is_the_whole_schedule_compressed_with_every_key_and_ratio():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 1))
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[1].parameters(), "lr": 0.02, "name": "b"}]
    optimizer = Recorder(groups, momentum=0.9)
    run = rh.Run(epochs=10, steps_per_epoch=100)
    schedule = {"lr": {"b": "linear()", "*": "warmup('2 epochs') >> cosine(end=0.1)"}, "momentum": "constant(0.5)"}
    seen = []
    watch = lambda done, lr, value: seen.append((lr, optimizer.used[-1]))
    result = found(model, optimizer, run=run, schedule=schedule, watch=watch)
    trial = (result.before or result.trials)[0]
    assert trial.updates == 44  # 1.4 √1000
    first = seen[result.looked : result.looked + 44]
    assert {lr for lr, _ in first} == {trial.lr}
    used = np.array([values for _, values in first])
    rise = 0.199  # the last update before the highest value, of a warmup of two epochs in ten: it keeps a quarter
    shares = np.interp((np.arange(44) + 0.5) / 44, [0, 0.25, 1], [0, rise, 1])
    places = shares * 1000 - 0.5
    for group, name, ratio in ((0, "warmup('2 epochs') >> cosine(end=0.1)", 1.0), (1, "linear()", 0.2)):
        factors = rh.parse(name).over(run).factors(places)
        assert used[:, group, 0] == pytest.approx(factors * trial.lr * ratio, rel=1e-12)
    assert (used[:, :, 1] == 0.45).all()


def test_what_is_held_out_is_never_trained_on():
    model, trained, scored = linear(), set(), set()

    def watched(model, batch):
        (trained if model.training else scored).add(id(batch.x))
        return loss(model, batch)

    batches = data(30)
    ramp = found(model, batches=batches, loss_of=watched, effort="fast")
    assert ramp.trials == ()
    trained.clear()
    result = found(model, batches=batches, loss_of=watched)
    assert len(result.trials) >= 3
    assert len(scored) == 6
    later = {id(batch.x) for batch in batches[24:]}
    assert scored == later


def test_a_score_of_ones_own():
    model, asked = linear(), []

    def score(model):
        asked.append((model.training, torch.is_grad_enabled()))
        return float((model.weight - 1).abs().sum())

    result = found(model, score=score)
    assert set(asked) == {(False, False)}
    assert len(asked) == 1 + len(result.trials)
    assert result.untrained == pytest.approx(float((model.weight.detach() - 1).abs().sum()))


@pytest.mark.parametrize("frozen", [False, True])
def test_batch_norm_is_scored_with_statistics_of_the_weights_that_it_has(frozen):
    norm = torch.nn.BatchNorm1d(3, momentum=1e-3)  # after a short run its average is still near where it began
    norm.running_mean.fill_(50.0)
    model = torch.nn.Sequential(norm, torch.nn.Linear(3, 1))
    if frozen:
        norm.eval()
    means, far = [], [type(pair)(pair.x + 100, pair.y) for pair in data(60)]

    def score(model):
        means.append(norm.running_mean.mean().item())
        return sum(loss(model, pair).item() for pair in far[48:])

    before = norm.running_mean.clone()
    result = found(model, batches=far, score=score)
    assert len(means) == 1 + sum(not t.note for t in result.trials)
    assert means == pytest.approx([50.0 if frozen else 100.0] * len(means), abs=0.5)
    assert torch.equal(norm.running_mean, before) and norm.momentum == 1e-3 and norm.num_batches_tracked == 0


@pytest.mark.parametrize("score", [None, lambda model: model(torch.ones(4, 1)).sub(1).pow(2).mean().item()])
def test_a_loss_that_is_made_of_gradients_is_scored_too(score):
    def slope_of_one(model, x):
        x = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        return (slope - 1).pow(2).mean() + (model(x) - x).pow(2).mean()

    model = torch.nn.Sequential(
        torch.nn.Linear(1, 16), torch.nn.BatchNorm1d(16), torch.nn.Tanh(), torch.nn.Linear(16, 1)
    )
    batches = [torch.randn(32, 1, generator=torch.Generator().manual_seed(i)) for i in range(60)]
    result = found(model, sgd(model), batches, slope_of_one, score=score)
    assert all(t.note in ("", "diverged") for t in result.trials)
    assert min(t.score for t in result.trials) < result.untrained
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("failure", [ValueError("no"), torch.OutOfMemoryError("CUDA out of memory"), float("nan")])
def test_a_run_that_fails_is_a_result(failure):
    model = linear()
    optimizer = sgd(model)

    def fragile(model, batch):
        if model.training and optimizer.param_groups[0]["lr"] > 0.2:
            if isinstance(failure, float):
                return loss(model, batch) * failure
            raise failure
        return loss(model, batch)

    result = rh.find_lr(model, optimizer, data(60), fragile, run=rh.Run(steps=500), schedule="constant()", max=0.19)
    failed = [t for t in result.trials if t.note]
    assert failed and all(t.lr > 0.2 and np.isinf(t.score) for t in failed)
    assert failed[0].note in ("diverged", "ValueError: no", "OutOfMemoryError: CUDA out of memory")
    assert result.suggestion < 0.2
    assert failed[0].note in str(result)


def test_where_every_run_crashes_the_error_is_the_users():
    model = linear()

    def score(model):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        found(model, score=score)


def test_how_much_is_done():
    assert usual_updates("balanced", 1000) == 20 + 75 + 4 * 44
    assert usual_updates("balanced", 5000) == 20 + 100 + 4 * 98
    assert usual_updates("balanced", 50_000) == 20 + 100 + 4 * 200
    assert usual_updates("balanced", 10) == 20 + 40 + 4 * 10
    for budget in (120, 199, 240, 500, 1000, 3000, 20_000):
        assert usual_updates(budget, 10**6) <= max(budget, 2 * 120)
    assert usual_updates("thorough", 500) == 20 + 40 + 6 * 250
    assert usual_updates("thorough", 10_000) == 20 + 100 + (6 + 3) * 1400


class Played:
    """Short runs whose score is known: a valley around one learning rate, and a cliff."""

    untrained = 10.0

    def __init__(self, best, cliff=math.inf, depth=10.0, late=0.3):
        self.best, self.cliff, self.depth, self.late = best, cliff, depth, late

    def all(self, lrs):
        return [Trial(lr, self.score(lr), 40, late=self.late) for lr in lrs]

    def score(self, lr):
        if lr >= self.cliff:
            return math.inf
        return 10.0 - self.depth + math.log2(lr / self.best) ** 2 * self.depth / 40


@pytest.mark.parametrize(
    ("played", "runs", "tried"),
    [
        (Played(1.0), 9, [1, 4, 1 / 4, 2, 1 / 2]),
        (Played(4.0), 9, [1, 4, 16, 8, 2]),
        (Played(64.0), 9, [1, 4, 16, 64, 256, 128, 32]),
        (Played(1 / 16), 9, [1, 4, 1 / 4, 1 / 16, 1 / 64, 1 / 8, 1 / 32]),
        (Played(1.0), 4, [1, 4, 1 / 4, 2]),
        (Played(4.0, cliff=4.0), 9, [1, 4, 1 / 4, 2, 1 / 2]),
        (Played(1e-3, cliff=1 / 20), 9, [1, 4, 1 / 4, 1 / 16, 1 / 64, 1 / 256, 1 / 1024, 1 / 4096, 1 / 512]),
    ],
)
def test_the_search_goes_by_factors_of_4_to_where_it_gets_better_then_half_way_to_both_sides(played, runs, tried):
    found = [t.lr for t in search(played, [1.0, 4.0], runs, patient=False)]
    assert found == pytest.approx(tried)


def test_a_thorough_search_looks_far_to_either_side_first():
    class Two(Played):  # a valley at 1, and a better one at 1/16
        def score(self, lr):
            return min(1 + math.log2(lr) ** 2, math.log2(lr * 16) ** 2 - 1)

    assert [t.lr for t in search(Two(1.0), [1.0, 4.0], 6, patient=True)][:3] == [1, 4, 1 / 4]
    begin = planned("thorough", 500).begin
    tried = [t.lr for t in search(Two(1.0), begin, 6, patient=True)]
    assert tried[:3] == [1 / 8, 1, 8]
    assert 1 / 16 in tried


def test_where_the_lowest_is_nearly_as_good_as_the_best_the_search_goes_on_downwards():
    class Flat(Played):
        def score(self, lr):
            return {4: 1.0, 1: 1.4, 1 / 4: 1.44, 1 / 16: 1.5, 16: 2.0}.get(lr, 3.0)  # of 9 that can be learned

    assert [t.lr for t in search(Flat(1.0), [1.0, 4.0], 9, patient=False)] == [1, 4, 16, 1 / 4, 1 / 16, 8, 2]


@pytest.mark.parametrize(
    "scores",
    [
        pytest.param({8: 5.0, 1 / 32: 2.0, 1 / 128: 2.5}, id="with what is worse than nothing between them"),
        pytest.param({8: 5.0, 1: 9.9, 1 / 8: 9.0, 1 / 32: 2.0, 1 / 128: 2.5}, id="with a ridge between them"),
    ],
)
def test_another_valley_below_is_gone_down_to(scores):
    class Apart(Played):  # a poor valley at 8, and a better one at 1/32
        def score(self, lr):
            return scores.get(lr, 10.8)  # untrained: 10

    tried = [t.lr for t in search(Apart(1.0), planned("thorough", 500).begin, 6, patient=True, more=2)]
    assert tried == [1 / 8, 1, 8, 1 / 32, 1 / 128, 1 / 16]


@pytest.mark.parametrize(
    "short",
    [
        Played(1.0, late=0.9),  # the best had hardly begun
        Played(2.0, depth=0.4, cliff=4.0),  # next to nothing, and told apart
        Played(1.0, depth=0.1),  # a hundredth of the untrained score, and 1 and 4 are a tenth of that apart
    ],
)
def test_a_search_with_runs_that_are_too_short_ends_early_unless_it_is_patient(short):
    assert [t.lr for t in search(short, [1.0, 4.0], 9, patient=False)] == [1, 4]
    assert len(search(short, [1.0, 4.0], 9, patient=True)) == 5


def test_a_search_goes_on_downwards_where_nothing_was_learned():
    nothing = Played(1.0, depth=0.0, late=1.0)
    assert [t.lr for t in search(nothing, [1.0, 4.0], 4, patient=False)] == [1, 4, 1 / 4, 1 / 16]


def test_a_longer_training_is_told_less_than_the_short_runs_found():
    thorough, balanced = found(effort="thorough"), found()
    assert thorough.updates <= usual_updates("thorough", 500)
    assert {t.updates for t in thorough.trials if not t.note} == {250}
    assert thorough.suggestion == pytest.approx(thorough.choice.suggestion * 0.5**0.32)
    assert balanced.suggestion == pytest.approx(balanced.choice.suggestion * (31 / 500) ** 0.32)


def test_where_short_runs_learned_what_any_learns_at_once_longer_ones_are_made():
    def stuck(model, pair):  # little is left to learn once any learning rate has done its part
        return loss(model, pair).clamp(min=0.1) + 20.0

    result = found(loss_of=stuck)
    assert {t.updates for t in result.before if not t.note} == {31}
    assert {t.updates for t in result.trials} == {125}
    low, high = (f(t.lr for t in result.before) for f in (min, max))
    assert low < result.trials[0].lr < high


class Stuck(torch.nn.Module):
    """Two small numbers whose product is wanted: for a while nothing is learned, then all at once."""

    def __init__(self):
        super().__init__()
        self.a, self.b = (torch.nn.Parameter(torch.tensor(3e-6)) for _ in range(2))

    def forward(self, x):
        return self.a * self.b * x


def test_where_short_runs_had_hardly_begun_longer_ones_are_made():
    model = Stuck()
    optimizer = sgd(model, lr=0.1)
    batches = [torch.randn(64, 1, generator=torch.Generator().manual_seed(i)) for i in range(300)]
    short = found(model, optimizer, batches, lambda model, x: (model(x) - x).pow(2).mean())
    assert {t.updates for t in short.before} == {31}
    best = min(short.before, key=lambda t: t.score)
    assert best.late > 0.7 and short.trials[0].lr == pytest.approx(best.lr / 2)
    assert {t.updates for t in short.trials if not t.note} == {125}
    assert short.updates == short.looked + sum(t.updates for t in short.before + short.trials)
    assert short.suggestion == pytest.approx(short.choice.suggestion * 0.25**0.32 / 1.3)
    assert f"first       {len(short.before)} runs of 31 were too short" in str(short)
    clear = found()
    assert clear.before == () and "too short" not in str(clear)


def test_the_best_of_a_thorough_search_are_made_again_over_other_batches_where_they_are_less_than_half():
    seen = []

    def noted(model, pair):
        if model.training:
            seen.append(id(pair.x))
        return loss(model, pair)

    batches = data(60)
    result = found(batches=batches, loss_of=noted, effort="thorough", run=rh.Run(steps=1200))
    lrs = [t.lr for t in result.trials]
    assert sorted({lr for lr in lrs if lrs.count(lr) == 2}) == sorted(lrs[-3:])
    best = sorted(result.trials[:-3], key=lambda t: t.score)[:3]
    assert [t.lr for t in best] == lrs[-3:]
    first, last = seen[-4 * 484 : -3 * 484], seen[-484:]
    assert len(set(first)) == len(set(last)) == 24  # 1200 updates are 20 passes over 60 batches, 12 of them held out
    assert set(first) != set(last)
    scores = [t.score for t in result.trials if t.lr == lrs[-3]]
    assert scores[0] != scores[1]
    for score in scores:
        assert f"{score:.4g}" in str(result)


def test_where_next_to_nothing_was_learned_a_second_search_begins_where_the_first_did():
    assert middle([Trial(1.0, 9.9, 40), Trial(4.0, 9.95, 40)], 10.0) is None
    assert middle([Trial(1.0, 5.0, 40, late=0.9), Trial(4.0, 6.0, 40)], 10.0) == 0.5


def test_while_the_best_lies_at_an_end_there_are_more_short_runs():
    def tried(best, more):
        return [t.lr for t in search(Played(best), [1.0, 4.0], 4, patient=True, more=more)]

    assert tried(64.0, 0) == [1, 4, 16, 64]
    assert tried(64.0, 2) == [1, 4, 16, 64, 256]
    assert len(tried(2.0, 2)) == 4


def test_where_the_range_test_has_no_answer_there_are_more_short_runs_too():
    known = found(score=lambda model: 1.0)  # nothing is ever better: it goes on as long as it may
    silent = found(loss_of=lambda model, pair: torch.randn(()) + 0 * model(pair.x).sum(), score=lambda model: 1.0)
    assert known.ramp.status == "ok" and silent.ramp.status in ("never fell", "too noisy")
    assert (len(known.before), len(silent.before)) == (6, 8)


def test_it_can_be_drawn(tmp_path):
    result = found()
    labels = {line.get_label() for line in result.plot().get_lines()}
    assert {"range test", "short runs"} <= labels
    left, right = result.plot().get_xlim()
    assert left <= min(t.lr for t in result.trials) and max(t.lr for t in result.trials) <= right
    assert result.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert found(effort="fast").save(tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"run": 500}, "run=500: need a Run of known length"),
        ({"run": rh.Run()}, r"run=Run\(\): need a Run of known length"),
        ({"schedule": "cosin()"}, "unknown schedule 'cosin'"),
        ({"schedule": "warmup('9 epochs') >> cosine()"}, "need steps_per_epoch"),
        ({"effort": "quick"}, "effort='quick': need one of"),
        ({"effort": 10}, "effort=10: need a whole number ≥ 60"),
        ({"score": 3}, "score=3: need a function of the model"),
        ({"batches": data(1)}, "batches=1: need at least two batches, to hold one out"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(change, message):
    model = linear()
    optimizer = sgd(model, momentum=0.9)
    with pytest.raises(rh.ScheduleError, match=message):
        found(model, optimizer, **change)
    assert not optimizer.state
    assert optimizer.param_groups[0]["lr"] == 0.1


def told(scores, ramp_losses, effort="balanced"):
    """A result as it would be with these scores, untrained 2.3."""
    from rheostat.probe.choice import choose
    from rheostat.probe.found import FindResult
    from rheostat.probe.trials import Trial

    trials = tuple(Trial(lr, score, 40) for lr, score in scores)
    ramp = rh.read_range(np.geomspace(1e-6, 10, 100), ramp_losses)
    return FindResult(ramp, 80, trials, choose(scores, 2.3), 2.3, 1000, effort)


FLAT = np.full(100, 2.3)


def test_a_range_test_alone_says_what_would_be_surer():
    lrs = np.geomspace(1e-6, 10, 100)
    ramp = rh.read_range(lrs, (np.log10(lrs) + 2) ** 2)
    from rheostat.probe.found import FindResult

    advice = FindResult(ramp, 120, (), None, None, 1000, "fast").advice
    assert advice == "the loss fell, and rose again within the ramp. Surer: effort='balanced'."


def test_the_longer_the_training_the_lower_the_answer_of_a_range_test_alone():
    from rheostat.probe.found import FindResult

    lrs = np.geomspace(1e-5, 10, 100)
    ramp = rh.read_range(lrs, (np.log10(lrs) + 2) ** 2)
    short, usual, long = (FindResult(ramp, 120, (), None, None, run, "fast") for run in (500, 1250, 125_000))
    assert usual.suggestion == short.suggestion == ramp.rules["edge"]
    assert long.suggestion == pytest.approx(usual.suggestion * 0.01**0.32)
    assert long.band[0] == pytest.approx(long.suggestion / 10**1.1)


@pytest.mark.parametrize(
    ("scores", "status", "advice"),
    [
        ([(1e-3, 2.4), (4e-3, np.inf)], "never fell", "no short run came below the score before training"),
        ([(1e-3, 2.0), (4e-3, 1.0)], "minimum at the edge", "the highest learning rate that was tried"),
        ([(1e-3, 1.0), (4e-3, 2.0)], "minimum at the edge", "the lowest learning rate that was tried"),
        ([(1e-3, 2.0), (4e-3, 1.0), (16e-3, 2.0)], "ok", "do not agree. Surer: effort='thorough'"),
    ],
)
def test_how_sure_it_is(scores, status, advice):
    result = told(scores, FLAT)
    assert result.status == status
    assert advice in result.advice
    assert (result.suggestion is None) == (result.band is None) == (status == "never fell")
    assert result.again == ({"effort": "thorough"} if status == "never fell" else {})
    assert "no suggestion" in str(result)
