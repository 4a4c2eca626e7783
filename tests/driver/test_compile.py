"""A compiled optimizer step: the values are right at every update, and nothing is compiled again for a new one."""

import pytest
import torch

import rheostat as rh
from driver.loops import RUN, SPEC, planned

counters = torch._dynamo.utils.counters


def optimizer_and_step(name, where, backend):
    groups = []
    for _ in range(2):
        p = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))
        p.grad = torch.ones(4, dtype=torch.float64)
        groups.append({"params": [p], "lr": torch.tensor(0.1, dtype=torch.float64)})
    optimizer = getattr(torch.optim, name)(groups, lr=0.1)
    scheduler = rh.Scheduler(optimizer, SPEC, RUN)

    def both():
        optimizer.step()
        scheduler.step()

    def apart():
        step()
        scheduler.step()

    step = torch.compile(
        {"step": optimizer.step, "function": lambda: optimizer.step(), "both": both, "never": optimizer.step}[where],
        backend=backend,
    )
    return optimizer, scheduler, apart if where in ("step", "function") else step


@pytest.mark.parametrize("where", ["step", "function", "both", "never"])
@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_every_update_has_its_value_and_compiles_nothing_new(name, where):
    torch._dynamo.reset()
    optimizer, scheduler, step = optimizer_and_step(name, where, "eager")
    p = optimizer.param_groups[0]["params"][0]
    counters.clear()
    for t in range(20):
        weights = p.detach().clone()
        with torch._dynamo.config.patch(error_on_recompile=t > 2):  # AdamW's state comes with the first
            step()
        if name == "SGD":
            assert (weights - p.detach()).tolist() == pytest.approx([planned(0.1, 20)[t]] * 4, rel=1e-12)
        assert scheduler.position == t + 1
        if t == 3:
            graphs = counters["stats"]["unique_graphs"]
    assert counters["stats"]["unique_graphs"] == graphs <= 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_with_inductor(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch._dynamo.reset()
    optimizer, _, step = optimizer_and_step("SGD", "step", "inductor")
    p = optimizer.param_groups[0]["params"][0]
    for t in range(20):
        weights = p.detach().clone()
        try:
            step()
        except torch._inductor.exc.InductorError as error:
            pytest.skip(f"no compiler here: {str(error)[:60]}")
        assert (weights - p.detach()).tolist() == pytest.approx([planned(0.1, 20)[t]] * 4, rel=1e-12)


def test_nothing_of_ours_is_compiled():
    """Traced hooks would be guarded on whatever they read, and compiled again when it changes."""
    torch._dynamo.reset()
    seen = []

    def backend(graph, inputs):
        seen.append(graph.print_readable(print_output=False))
        return graph.forward

    _, _, step = optimizer_and_step("SGD", "both", backend)
    for _ in range(3):
        step()
    assert seen
    assert not any("rheostat" in code for code in seen)
