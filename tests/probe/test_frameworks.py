"""Two processes, and inside Lightning's Trainer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

import rheostat as rh


def test_two_ranks_average_the_loss_and_stop_together(tmp_path):
    script = Path(__file__).with_name("two_ranks.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=29617"]
    done = subprocess.run(
        [*command, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert first["same"]
    assert len(first["whole"]) == 50
    assert first["broken"] == 11  # one rank's loss was not finite there; both ended
    assert first["calls"] == 61


lightning = pytest.mark.frameworks


@lightning
@pytest.mark.filterwarnings("ignore:.*LeafSpec.*is deprecated:FutureWarning")
@pytest.mark.parametrize("kind", ["ours", "torch"])
def test_inside_lightning(tmp_path, kind):
    pl = pytest.importorskip("lightning.pytorch")

    class Net(pl.LightningModule):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.layer = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1))
            self.used = []

        def training_step(self, batch, index):
            loss = (self.layer(batch) - batch.sum(1, keepdim=True)).pow(2).mean()
            self.log("loss", loss)
            return loss

        def on_train_batch_start(self, *_):
            self.used.append(self.optimizers().param_groups[0]["lr"])

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
            run = rh.Run(steps=8)
            ours = rh.Scheduler(optimizer, "warmup('2 steps') >> cosine()", run)
            if kind == "torch":
                ours.close()
                return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)]
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": ours, "interval": "step"}}

    class Probe(pl.Callback):
        result = None

        def on_train_start(self, trainer, module):
            loader = trainer.train_dataloader
            self.result = rh.range_test(
                module, trainer.optimizers, loader, lambda m, batch: m.training_step(batch, 0), steps=60
            )

    def fit(*callbacks):
        net = Net()
        torch.manual_seed(1)
        loader = DataLoader(
            torch.randn(256, 3, generator=torch.Generator().manual_seed(0)), batch_size=64, shuffle=True
        )
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        quiet |= {"enable_checkpointing": False, "accelerator": "cpu", "devices": 1, "default_root_dir": tmp_path}
        pl.Trainer(**quiet, max_epochs=2, callbacks=list(callbacks)).fit(net, loader)
        return net

    probe = Probe()
    probed, alone = fit(probe), fit()
    assert probe.result.status == "ok", probe.result.losses
    assert probe.result.base == 0.01
    assert probed.used == alone.used
    for a, b in zip(probed.state_dict().values(), alone.state_dict().values(), strict=True):
        assert torch.equal(a, b)
