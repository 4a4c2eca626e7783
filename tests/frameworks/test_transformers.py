"""The Trainer of transformers: accumulation, the rate it logs, and resume_from_checkpoint."""

from __future__ import annotations

import pytest
import torch

import rheostat as rh

pytest.importorskip("transformers")
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments

pytestmark = pytest.mark.frameworks

UPDATES = 9  # 3 epochs of 5 batches, 2 batches an update: the short last window of an epoch is an update too


def model():
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=1, n_embd=4, vocab_size=8, n_positions=4))


def arguments(folder, **more):
    quiet = {"report_to": [], "disable_tqdm": True, "use_cpu": True, "dataloader_pin_memory": False}
    training = {"num_train_epochs": 3, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 2}
    keeping = {"logging_steps": 1, "save_strategy": "steps", "save_steps": 4}
    return TrainingArguments(folder, **quiet, **training, **(keeping | more))


def batches():
    return [{"input_ids": torch.tensor([1, 2, 3]), "labels": torch.tensor([1, 2, 3])}] * 5


@pytest.fixture
def trainer(recorder, text, tmp_path):
    """trainer(): a fresh model, optimizer and scheduler in a Trainer that keeps its checkpoints in tmp_path."""

    def make(schedule=text, **more):
        net = model()
        optimizer = recorder(net.parameters())
        scheduler = rh.Scheduler(optimizer, schedule, rh.Run(steps=UPDATES))
        made = Trainer(net, arguments(tmp_path, **more), train_dataset=batches(), optimizers=(optimizer, scheduler))
        made.used = optimizer.used
        return made

    return make


def test_every_update_uses_its_value(trainer, wanted):
    made = trainer()
    made.train()
    assert made.used == wanted(UPDATES)


def test_the_logged_rate_is_the_one_used(trainer, wanted):
    made = trainer()
    made.train()
    logged = [row["learning_rate"] for row in made.state.log_history if "learning_rate" in row]
    assert logged == made.used == wanted(UPDATES)


def test_resume_from_checkpoint_goes_on_exactly(trainer, wanted, tmp_path):
    trainer().train()
    again = trainer()
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert again.used == wanted(UPDATES)[4:]


def test_resuming_with_another_schedule_is_refused(trainer, tmp_path):
    trainer().train()
    with pytest.raises(
        rh.ResumeMismatch, match="schedule"
    ):  # a warning would be lost: the Trainer swallows a single one
        trainer("linear()").train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))


def test_a_scheduler_made_on_the_prepared_optimizer(recorder, text, wanted, tmp_path):
    class Own(Trainer):
        def create_optimizer(self, model=None):
            self.optimizer = self.optimizer or recorder(self.model.parameters())
            self.plain = self.optimizer
            return self.optimizer

        def create_scheduler(self, num_training_steps, optimizer=None):
            self.lr_scheduler = rh.Scheduler(self.optimizer, text, rh.Run(steps=num_training_steps))
            return self.lr_scheduler

    made = Own(model(), arguments(tmp_path, save_strategy="no"), train_dataset=batches())
    made.train()
    assert made.plain.used == wanted(UPDATES)


def test_a_metric_reported_by_a_callback(recorder, tmp_path):
    class Report(TrainerCallback):
        def on_epoch_end(self, args, state, control, lr_scheduler=None, **_):
            lr_scheduler.report(1.0)

    net = model()
    optimizer = recorder(net.parameters())
    scheduler = rh.Scheduler(optimizer, "plateau(factor=0.5, patience=0)", rh.Run(steps=UPDATES))
    settings = arguments(tmp_path, save_strategy="no")
    Trainer(net, settings, train_dataset=batches(), optimizers=(optimizer, scheduler), callbacks=[Report()]).train()
    assert optimizer.used == [0.1] * 6 + [0.05] * 3  # the second, equal report is the first cut
