"""Train the demo model on one core and write it as a GGUF file; README.md says how long it takes.

    python tools/demo_model/train.py demo.gguf

The number of steps is fixed, not the time, so a slower machine makes the same kind of model.
"""

from __future__ import annotations

import argparse
import logging
import math
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import bpe
import data
import torch
from network import END, SPECIALS, START, Network, Shape, write_gguf
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = 3_500  # about twelve times through the examples
BATCH = 32
WARM_UP = 100
HIGHEST_RATE = 3e-3
LOWEST_SHARE = 0.02
DROPOUT = 0.1
# Learning to guess questions is no aim, but it helps the model to read them.
QUESTION_WEIGHT = 0.1
LONGEST_ANSWER = 90

log = logging.getLogger("train")


class Example(NamedTuple):
    """Token ids of one exchange; learning starts at `answer`."""

    ids: list[int]
    question: int
    asked: int
    answer: int


class Exchange:
    """Writes questions and answers as the chat template does."""

    def __init__(self, tokenizer: bpe.Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._before = tokenizer.encode(f"{START}user\n")
        self._between = tokenizer.encode(f"{END}\n{START}assistant\n")
        self.end = tokenizer.encode(END)

    def prompt(self, question: str) -> list[int]:
        """Return the ids of a question, ready to be answered."""
        return self._before + self._tokenizer.encode(question) + self._between

    def example(self, question: str, answer: str) -> Example:
        """Return the ids of a question with its answer."""
        prompt = self.prompt(question)
        ids = prompt + self._tokenizer.encode(answer) + self.end
        return Example(ids, len(self._before), len(prompt) - len(self._between), len(prompt))


def mistype(question: str, dice: random.Random) -> str:
    """Make the slips that people make: a letter gone, doubled or swapped, a word left out."""
    if dice.random() < 0.25 and len(question) > 8:  # noqa: PLR2004 (about every fourth)
        place = dice.randrange(1, len(question) - 1)
        left, letter, rest = question[:place], question[place], question[place + 1 :]
        swapped = rest[0] + letter + rest[1:]
        question = left + dice.choice([rest, rest, swapped, swapped, letter + letter + rest])
    words = question.split()
    if dice.random() < 0.15 and len(words) > 4:  # noqa: PLR2004 (short ones would lose their sense)
        words.pop(dice.randrange(len(words)))
        return " ".join(words)
    return question


def batches(
    pairs: list[tuple[str, str]], exchange: Exchange, dice: random.Random
) -> Iterator[list[Example]]:
    """Yield batches for ever; neighbors in length stand together, so little is padded."""
    waiting: list[tuple[str, str]] = []
    while True:
        if len(waiting) < BATCH * 8:
            waiting = dice.sample(pairs, len(pairs))
        taken = [waiting.pop() for _ in range(BATCH * 8)]
        chunk = [exchange.example(mistype(question, dice), answer) for question, answer in taken]
        chunk.sort(key=lambda example: len(example.ids))
        groups = [chunk[place : place + BATCH] for place in range(0, len(chunk), BATCH)]
        dice.shuffle(groups)
        yield from groups


def loss_of(network: Network, batch: list[Example]) -> torch.Tensor:
    """Return how badly the network guesses the answers of a batch."""
    longest = max(len(example.ids) for example in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    weights = torch.zeros(len(batch), longest)
    for row, example in enumerate(batch):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        weights[row, example.answer - 1 : len(example.ids) - 1] = 1
        weights[row, example.question : example.asked] = QUESTION_WEIGHT
    hidden = network(ids[:, :-1], DROPOUT)
    counts = weights[:, :-1] > 0
    losses = functional.cross_entropy(
        network.logits(hidden[counts]), ids[:, 1:][counts], reduction="none"
    )
    kept = weights[:, :-1][counts]
    return (losses * kept).sum() / kept.sum()


def rate_at(step: int, steps: int) -> float:
    """Return the learning rate: up in a straight line, then down in half a cosine."""
    down = 0.5 * (1 + math.cos(math.pi * step / steps))
    return HIGHEST_RATE * min(1, (step + 1) / WARM_UP) * (LOWEST_SHARE + (1 - LOWEST_SHARE) * down)


def learn(network: Network, source: Iterator[list[Example]], steps: int) -> None:
    """Take a fixed number of steps."""
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=HIGHEST_RATE, weight_decay=0.05, betas=(0.9, 0.98)
    )
    began = time.monotonic()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps)
        loss = loss_of(network, next(source))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            log.info("step %d: loss %.3f, %.0f s", step, loss.item(), time.monotonic() - began)
    network.eval()


@torch.no_grad()
def answer(network: Network, exchange: Exchange, tokenizer: bpe.Tokenizer, question: str) -> str:
    """Return what the network says, always taking the likeliest token."""
    prompt = exchange.prompt(question)
    said: list[int] = []
    while len(said) < LONGEST_ANSWER:
        likeliest = int(network.logits(network(torch.tensor([prompt + said]))[0, -1]).argmax())
        if likeliest == exchange.end[0]:
            break
        said.append(likeliest)
    return tokenizer.decode(said)


def main() -> None:
    """Train, write the file, and count the right answers to the held-out questions."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("gguf", type=Path, help="file to write")
    parser.add_argument("--steps", type=int, default=STEPS, help="fewer only to try the script")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    shape = Shape()
    pairs = data.examples()
    tokenizer = bpe.train(
        [f"{question}\n{said}" for question, said in pairs], shape.tokens, SPECIALS
    )
    exchange = Exchange(tokenizer)
    network = Network(shape)
    learn(network, batches(pairs, exchange, random.Random(0)), arguments.steps)
    write_gguf(arguments.gguf, network, tokenizer)
    answers = [answer(network, exchange, tokenizer, question) for question, _ in data.HELD_OUT]
    wanted = [data.answer_for(subject) for _, subject in data.HELD_OUT]
    right = sum(map(str.__eq__, answers, wanted))
    log.info("%d of %d held-out questions are answered exactly", right, len(wanted))


if __name__ == "__main__":
    main()
