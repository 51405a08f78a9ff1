"""Ctrl-C, callbacks, threads and fork."""

import _thread
import gc
import os
import signal
import threading
import weakref

import numpy as np
import pytest

import margin
from margin import MarginClassifier, MarginClassifierCV, _classifier, _library, _scoring, _train

LONG = dict(solver="sgd", max_iter=10**8)


def test_interrupt(blobs):
    X, y = blobs
    classifier = MarginClassifier().fit(X, y)
    before = classifier.coef_.copy()
    calls = []

    def interrupt(event):
        if event["kind"] == "progress" and not calls:
            calls.append(event)
            _thread.interrupt_main()

    classifier.set_params(callbacks=[interrupt], **LONG)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(X, y)
    assert len(calls) == 1
    assert np.array_equal(classifier.coef_, before)
    classifier.set_params(callbacks=None, max_iter=1)
    assert classifier.fit(X, y).score(X, y) > 0.5


def abandoned(monkeypatch, work):
    """The call of the library in `work`, when signals in quick succession end Python's wait for it."""
    calls = []

    def run(call, stop):
        calls.append(call)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_library, "run", run)
        try:
            work()
        except KeyboardInterrupt:
            pass
    return calls


def watched_rows(monkeypatch):
    """Weak references to the rows that estimators give to the library."""
    made = []

    class Watched(_classifier.Rows):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(weakref.ref(self))

    for module in (_classifier, _scoring):
        monkeypatch.setattr(module, "Rows", Watched)
    return made


def test_calls_hold_what_they_use(blobs, monkeypatch):
    X, y = blobs
    made = watched_rows(monkeypatch)
    many = np.zeros((400_000, 1024), np.uint8)
    fitted = MarginClassifier().fit(np.hstack([X] * 128), y)
    for work in (
        lambda: MarginClassifier().fit(np.asfortranarray(X), y, X_val=X[::-1], y_val=y[::-1]),
        lambda: fitted.predict(many),
    ):
        made.clear()
        calls = abandoned(monkeypatch, work)
        gc.collect()
        assert made and all(rows() is not None for rows in made)
        calls[0]()
        calls.clear()
        gc.collect()
        assert all(rows() is None for rows in made)


def raise_an_error(event):
    raise LookupError("of a callback")


@pytest.mark.parametrize(
    "error, how", [(LookupError, {"callbacks": [raise_an_error]}), (ValueError, {"C": 1e99})]
)
def test_errors_leave_no_rows_behind(blobs, monkeypatch, error, how):
    made = watched_rows(monkeypatch)
    try:
        MarginClassifier(**how).fit(*blobs)
    except error:
        pass
    gc.collect()
    assert [rows() for rows in made] == [None]


def test_late_interrupt(monkeypatch):
    """Ctrl-C after the library has ended a run of files does not stop the next run."""
    config, stopped = _library.load_config(None, {}), []
    monkeypatch.setattr(_library, "run", lambda work, stop: (work(), stop()))
    monkeypatch.setattr(_library, "call", lambda *arguments: None)
    monkeypatch.setattr(_library.lib, "mg_train_stop", lambda: stopped.append(True))
    _train.call(_train.Watch(), "mg_train", config, files=True)
    assert not stopped


def test_interrupt_in_predict(blobs, monkeypatch):
    """Ctrl-C stops the library within the prediction, and raises KeyboardInterrupt."""
    X, y = blobs
    classifier = MarginClassifier().fit(np.hstack([X] * 128), y)
    many = np.zeros((2_000_000, 1024), np.uint8)  # pages of zeros take no memory
    begun, ended = threading.Event(), []
    run, call = _library.run, _library.call

    def watched_run(*arguments):
        begun.set()
        return run(*arguments)

    def watched_call(name, *arguments):
        try:
            call(name, *arguments)
        except BaseException as error:
            ended.append((name, type(error)))
            raise

    monkeypatch.setattr(_library, "run", watched_run)
    monkeypatch.setattr(_library, "call", watched_call)
    killer = threading.Thread(target=lambda: (begun.wait(), os.kill(os.getpid(), signal.SIGINT)))
    killer.start()
    with pytest.raises(KeyboardInterrupt):
        classifier.predict(many)
    killer.join()
    assert ended == [("mg_model_score", KeyboardInterrupt)]
    assert len(classifier.predict(many[:3])) == 3


def test_interrupt_while_C_is_chosen(blobs, monkeypatch):
    X, y = blobs
    call, calls = _train.call, []

    def interrupted(watch, name, *arguments, **how):
        calls.append(name)
        if len(calls) == 2:
            watch.interrupt()  # as Ctrl-C does
        call(watch, name, *arguments, **how)

    classifier = MarginClassifierCV(Cs=[0.1, 1], cv=3).fit(X, y)
    before = classifier.coef_.copy()
    monkeypatch.setattr(_train, "call", interrupted)
    with pytest.raises(KeyboardInterrupt, match="stopped in point 1 of 2"):
        classifier.set_params(Cs=[1, 2]).fit(X, y)
    assert calls == ["mg_path", "mg_path"]
    assert np.array_equal(classifier.coef_, before) and classifier.Cs_.tolist() == [0.1, 1]


def test_error_in_callback(blobs):
    def fail(event):
        if event["kind"] == "progress":
            raise LookupError("planted")

    with pytest.raises(LookupError, match="planted"):
        MarginClassifier(callbacks=[fail], **LONG).fit(*blobs)


def test_callback_ends_training(blobs):
    X, y = blobs
    history = {}
    end = lambda event: event["kind"] == "progress" and event["epoch"] >= 3
    classifier = MarginClassifier(callbacks=[end, margin.record_evaluation(history)], **LONG).fit(X, y)
    assert 3 <= classifier.n_iter_ < 1000
    assert classifier.score(X, y) > 0.7
    assert len(history["objective"]) >= 1


@pytest.mark.parametrize("true", [True, np.True_])
def test_what_a_callback_returns(blobs, true):
    how = dict(tol=None, max_iter=9)
    assert MarginClassifier(callbacks=[lambda event: true], **how).fit(*blobs).n_iter_ < 9
    for other in (None, False, np.False_, 1, "text", np.ones(3)):
        assert MarginClassifier(callbacks=[lambda event: other], **how).fit(*blobs).n_iter_ == 9


def test_early_stopping_callback(blobs):
    X, y = blobs
    stop = margin.early_stopping(2, metric="objective", min_delta=1.0)
    assert MarginClassifier(callbacks=[stop], **LONG).fit(X, y).n_iter_ < 1000
    with pytest.raises(ValueError, match="metric is 'auc'"):
        margin.early_stopping(2, metric="auc")


def test_two_fits_in_two_threads(blobs):
    X, y = blobs
    wanted = MarginClassifier().fit(X, y).coef_
    got = [None] * 4

    def work(i):
        got[i] = MarginClassifier().fit(X, y).coef_

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(np.array_equal(weights, wanted) for weights in got)


def test_other_threads_run(blobs):
    """The GIL is free during training."""
    X, y = blobs
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            done.wait(0.001)

    thread = threading.Thread(target=count)
    reached = []

    def enough(event):
        reached.append(counted[0])
        return counted[0] > 20

    thread.start()
    try:
        MarginClassifier(callbacks=[enough], **LONG).fit(X, y)
    finally:
        done.set()
        thread.join()
    assert reached[-1] > 20


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork(blobs):
    X, y = blobs
    classifier = MarginClassifier().fit(X, y)
    child = os.fork()
    if child == 0:
        same = np.array_equal(MarginClassifier().fit(X, y).coef_, classifier.coef_)
        os._exit(0 if same and len(classifier.predict(X)) == len(y) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(MarginClassifier().fit(X, y).coef_, classifier.coef_)


def test_threads_do_not_matter(blobs):
    X, y = blobs
    assert np.array_equal(*[MarginClassifier(n_jobs=n).fit(X, y).coef_ for n in (1, 2)])
    with pytest.raises(ValueError, match="n_jobs is 0"):
        MarginClassifier(n_jobs=0).fit(X, y)


def test_verbose(blobs, capsys):
    MarginClassifier(verbose=2).fit(*blobs)
    shown = capsys.readouterr().err
    assert "300 rows x 8 features, 3 classes" in shown and "epoch 1" in shown
    MarginClassifier(verbose=1).fit(*blobs)
    assert "margin" in capsys.readouterr().err
    MarginClassifier().fit(*blobs)
    assert capsys.readouterr().err == ""
