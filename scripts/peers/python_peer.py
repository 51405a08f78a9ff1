#!/usr/bin/python3
"""One training run of a Python program, as its user would write it: from margin's HDF5 file to weights.

    python_peer.py linearsvc|sgdclassifier|torch TRAIN.h5 PREPARATION C BIAS DIRECTORY [EPOCHS]

Without EPOCHS it is the run of the table; with EPOCHS the weights of every epoch are kept. Prints a line of
JSON for each file of weights: {"seconds": of training so far, without writing, "weights": path}.
"""
import json
import os
import sys
import time

import numpy

import problems

TORCH_EPOCHS = 20


class Clock:
    """Measures the seconds of training, and stores the weights at these times."""

    def __init__(self, directory):
        self.directory, self.seconds, self.files, self.start = directory, 0.0, 0, time.perf_counter()

    def keep(self, weights, biases):
        self.seconds += time.perf_counter() - self.start
        path = os.path.join(self.directory, f"weights-{self.files}.npz")
        self.files += 1
        numpy.savez(path, weights=weights, biases=numpy.broadcast_to(biases, len(weights)))
        print(json.dumps({"seconds": self.seconds, "weights": path}), flush=True)
        self.start = time.perf_counter()


def linearsvc(x, y, C, bias, clock, epochs):
    from sklearn.svm import LinearSVC
    clock.start = time.perf_counter()
    model = LinearSVC(multi_class="crammer_singer", C=C, fit_intercept=bias > 0, intercept_scaling=bias or 1,
                      random_state=1).fit(x, y)
    clock.keep(model.coef_, model.intercept_)


def sgdclassifier(x, y, C, bias, clock, epochs):
    from sklearn.linear_model import SGDClassifier
    model = SGDClassifier(loss="hinge", alpha=1 / (C * len(y)), fit_intercept=bias > 0, n_jobs=-1,
                          random_state=1)
    clock.start = time.perf_counter()
    if not epochs:
        model.fit(x, y)
        clock.keep(model.coef_, model.intercept_)
    for _ in range(epochs):
        model.partial_fit(x, y, classes=numpy.arange(y.max() + 1))
        clock.keep(model.coef_, model.intercept_)


class DenseBatches:
    def __init__(self, x, classes, bias):
        import torch
        self.model = torch.nn.Linear(x.shape[1], classes, bias=bias > 0)
        self.rows = torch.from_numpy(x)

    def scores(self, index):
        return self.model(self.rows[index])

    def weights(self):
        bias = self.model.bias
        return self.model.weight.detach().numpy(), 0 if bias is None else bias.detach().numpy()


class SparseBatches:
    """A sum of the weights of a row's features: the only operation PyTorch has for sparse rows."""

    def __init__(self, x, classes, bias):
        import torch
        self.x = x
        self.model = torch.nn.EmbeddingBag(x.shape[1], classes, mode="sum")
        torch.nn.init.zeros_(self.model.weight)
        self.model.bias = torch.nn.Parameter(torch.zeros(classes)) if bias else None

    def scores(self, index):
        import torch
        batch = self.x[index.numpy()]
        indices, starts = (torch.from_numpy(part.astype(numpy.int64))
                           for part in (batch.indices, batch.indptr[:-1]))
        scores = self.model(indices, starts, per_sample_weights=torch.from_numpy(batch.data))
        return scores if self.model.bias is None else scores + self.model.bias

    def weights(self):
        bias = self.model.bias
        return self.model.weight.detach().numpy().T, 0 if bias is None else bias.detach().numpy()


def torch_sgd(x, y, C, bias, clock, epochs):
    """MultiMarginLoss is the Weston-Watkins loss divided by the number of classes, so weight_decay is lambda
    divided by it too. SGD has no default rate; that number divided by the mean squared length of a row,
    decreased by a cosine, suits pixels and text. Batches have at least 256 rows, and an epoch at most 1,000
    batches, because each costs a pass over the weights."""
    import torch
    torch.manual_seed(1)
    clock.start = time.perf_counter()
    dense = isinstance(x, numpy.ndarray)
    values = x.ravel() if dense else x.data
    classes = int(y.max()) + 1
    rate = classes * len(y) / float(numpy.vdot(values, values))
    batches = (DenseBatches if dense else SparseBatches)(x, classes, bias)
    labels = torch.from_numpy(y)
    loss = torch.nn.MultiMarginLoss()
    optimizer = torch.optim.SGD(batches.model.parameters(), lr=rate, momentum=0.9,
                                weight_decay=1 / (C * len(y) * classes))
    size = max(256, len(y) // 1000)
    total = epochs or TORCH_EPOCHS
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
    for epoch in range(total):
        order = torch.randperm(len(y))
        for first in range(0, len(y), size):
            index = order[first:first + size]
            optimizer.zero_grad()
            loss(batches.scores(index), labels[index]).backward()
            optimizer.step()
        schedule.step()
        if epochs or epoch + 1 == total:
            clock.keep(*batches.weights())


def main():
    peer, path, preparation, C, bias, directory = sys.argv[1:7]
    epochs = int(sys.argv[7]) if len(sys.argv) > 7 else 0
    x, y = problems.read(path, preparation)
    y = numpy.unique(y, return_inverse=True)[1].astype(numpy.int64)
    fit = {"linearsvc": linearsvc, "sgdclassifier": sgdclassifier, "torch": torch_sgd}[peer]
    fit(x, y, problems.number(C), float(bias), Clock(directory), epochs)


if __name__ == "__main__":
    main()
