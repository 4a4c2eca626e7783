"""Nothing of a range test is left: every bit is as it was, and training goes on as if it had never been."""

import signal
import tempfile

import pytest
import torch

import rheostat as rh
from probe.training import Training

KINDS = ["adamw", "sgd", "two", "tensor", "lbfgs", "scaler", "generator", "ours", "calls", "torch"]


@pytest.mark.parametrize("trained", [0, 1], ids=["fresh", "in mid-training"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_is_as_it_was_and_training_goes_on_the_same(kind, trained):
    alone = Training(kind)
    alone.train(trained)
    alone.train(2)
    end = alone.state()  # random numbers are the process's: one training after the other
    probed = Training(kind)
    probed.train(trained)
    before, held = probed.state(), probed.objects()
    result = probed.test(repeats=2)
    assert probed.state() == before
    assert probed.objects() == held
    assert result.updates > 20
    probed.train(2)
    assert probed.state() == end
    assert probed.losses == alone.losses


class Oops(Exception):
    pass


@pytest.mark.parametrize("error", [KeyboardInterrupt, Oops, torch.OutOfMemoryError])
@pytest.mark.parametrize("where", ["loss", "evaluate", "watch", "backward"])
def test_after_an_error_too(error, where):
    training, left = Training("ours"), [7]
    training.train(1)
    before, held = training.state(), training.objects()

    def fail(*given):
        left[0] -= 1
        if not left[0]:
            raise error("now")
        match where:
            case "loss":
                return training.loss(*given)
            case "backward":
                return given[0].backward()
        return 1.0

    with pytest.raises(error):
        training.test(**{where: fail})
    assert training.state() == before
    assert training.objects() == held


def test_a_real_interrupt_in_the_middle_of_an_update():
    training, left = Training("adamw"), [5]
    before = training.state()

    def loss(model, batch):
        left[0] -= 1
        if not left[0]:
            signal.raise_signal(signal.SIGINT)
        return training.loss(model, batch)

    with pytest.raises(KeyboardInterrupt):
        training.test(loss=loss)
    assert training.state() == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_while_everything_is_put_back_waits():
    training = Training("adamw")
    before = training.state()
    snapshot = rh.probe.Snapshot([training.model], training.optimizers, loader=training.loader)
    training.train(1)
    snapshot.inner.insert(0, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        snapshot.restore()
    assert training.state() == before


def test_what_cannot_be_put_back_does_not_keep_the_rest_from_it():
    training = Training("adamw")
    before = training.state()

    class Broken:
        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            raise Oops

    with pytest.raises(Oops):
        training.test(also=[Broken()])
    assert training.state() == before


@pytest.mark.parametrize("kind", ["adamw", "tensor", "lbfgs"])
def test_copies_on_disk_are_as_exact_and_leave_no_file(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    training = Training(kind)
    training.train(1)
    before, seen = training.state(), []
    training.test(store="disk", watch=lambda *_: seen.extend(tmp_path.iterdir()))
    assert training.state() == before
    assert not seen  # a process that is killed leaves nothing either


def test_the_disk_is_taken_where_memory_is_short(monkeypatch):
    import rheostat.probe.store as stores

    monkeypatch.setattr(stores, "free_memory", lambda: 1000.0)
    training = Training("adamw")
    before = training.state()
    for size, disk in ((1000, True), (10, False)):
        store = stores.Store([torch.zeros(size)])
        assert (store.file is not None) == disk
        store.close()
    training.test()
    assert training.state() == before


def test_a_full_disk_is_told_before_anything_changes(monkeypatch):
    training = Training("adamw")
    before = training.state()

    class Full:
        def tell(self):
            return 0

        def write(self, data):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with pytest.raises(rh.SchedulerError, match="cannot be set aside in .*: No space left on device. Nothing was ch"):
        training.test(store="disk")
    assert training.state() == before


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.bool, torch.complex64]
)
def test_every_kind_of_tensor_comes_back_from_memory_and_disk(dtype):
    from rheostat.probe.store import Store

    for where in ("memory", "disk"):
        values = [
            torch.tensor([[1, 0, 3], [0, 5, 6]]).to(dtype).t(),
            torch.tensor(1).to(dtype),
            torch.zeros(0).to(dtype),
        ]
        before, store = [value.clone() for value in values], Store(values, where)
        for value in values:
            value.zero_()
            store.put_back(value)
        store.close()
        assert all(torch.equal(a, b) for a, b in zip(values, before, strict=True))


def test_gradients_in_hand_are_kept_and_play_no_part():
    training = Training("adamw")
    batch = next(iter(training.loader))
    training.loss(training.model, batch).backward()
    before = training.state()
    first = training.test().losses
    assert training.state() == before
    for p in training.model.parameters():
        p.grad = None
    assert (training.test().losses == first).all()


def test_modes_within_the_model_stay_and_an_evaluated_model_is_trained():
    training, modes = Training("adamw"), []
    training.model.eval()
    training.model.head.train()
    training.test(watch=lambda *_: modes.append([m.training for m in training.model.modules()]))
    assert not training.model.training and training.model.head.training
    assert modes[0][0]
    kept = Training("adamw")
    kept.test(watch=lambda *_: modes.append([kept.model.frozen.training, kept.model.body[1].training]))
    assert modes[-1] == [False, True]


class Loader:
    """Like a loader whose position can be saved."""

    def __init__(self):
        self.at = [0]

    def __iter__(self):
        while self.at[0] < 12:
            self.at[0] += 1
            yield torch.full((2, 1), float(self.at[0]))
        self.at[0] = 0

    def state_dict(self):
        return {"at": self.at}

    def load_state_dict(self, state):
        self.at = state["at"]


def test_a_loader_with_a_state_goes_on_where_it_was():
    loader, model = Loader(), torch.nn.Linear(1, 1)
    mine = iter(loader)
    for _ in range(4):
        next(mine)
    rh.range_test(model, torch.optim.SGD(model.parameters(), lr=0.1), loader, lambda m, x: m(x).pow(2).mean())
    assert float(next(iter(loader))[0]) == 5


def test_persistent_workers_of_the_users_loop_go_on():
    data = torch.utils.data.TensorDataset(torch.arange(12.0).reshape(-1, 1))
    loader = torch.utils.data.DataLoader(data, batch_size=2, num_workers=1, persistent_workers=True)
    model = torch.nn.Linear(1, 1)
    mine = iter(loader)
    seen = [next(mine), next(mine)]
    rh.range_test(
        model, torch.optim.SGD(model.parameters(), lr=0.1), loader, lambda m, b: m(b[0]).pow(2).mean(), steps=10
    )
    assert loader._iterator is mine
    seen += list(mine)
    assert torch.cat([b[0] for b in seen]).flatten().tolist() == list(range(12))


def test_an_optimizer_within_an_optimizer_is_put_back():
    class Outer(torch.optim.Optimizer):
        """Steps through another, as sharpness-aware optimizers do."""

        def __init__(self, params):
            super().__init__(params, {"lr": 0.1})
            self.base = torch.optim.Adam(self.param_groups)
            self.param_groups = self.base.param_groups

        def step(self, closure=None):
            self.base.step()

    model = torch.nn.Linear(1, 1)
    outer = Outer(model.parameters())
    rh.range_test(model, outer, [torch.ones(3, 1)], lambda m, x: m(x).pow(2).mean())
    assert not outer.base.state
    assert outer.param_groups is outer.base.param_groups


def test_a_wall_clock_run_does_not_age():
    model, now = torch.nn.Linear(1, 1), [0.0]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = rh.Scheduler(optimizer, "linear()", rh.Run(time="100 s"), timer=lambda: now[0])
    now[0] = 20.0

    def loss(model, x):
        now[0] += 7.0
        return model(x).pow(2).mean()

    rh.range_test(model, optimizer, [torch.ones(3, 1)], loss)
    assert scheduler.elapsed() == 20.0


def test_a_loop_that_loads_a_state_is_undone_too():
    training = Training("adamw")
    training.train(1)
    before, held = training.state(), training.objects()

    def reload(*_):
        optimizer = training.optimizers[0]
        optimizer.load_state_dict(optimizer.state_dict())
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 1.0})
        raise Oops

    with pytest.raises(Oops):
        training.test(watch=reload)
    assert training.state() == before
    assert training.objects() == held
