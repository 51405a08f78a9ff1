"""The C structs of include/margin. A test compares sizes and offsets with those of the headers."""

from __future__ import annotations

import ctypes as c
from typing import Any

PATH_TEXT = 4352
PATH_POINTS = 100
DATA_TYPES = {"uint8": 0, "int8": 1, "int32": 2, "int64": 3, "float16": 4, "float32": 5, "float64": 6}
STATUS = [
    "MG_OK",
    "MG_FAILED",
    "MG_MEMORY",
    "MG_USAGE",
    "MG_CONFIG",
    "MG_DATA",
    "MG_IO",
    "MG_NONFINITE",
    "MG_STOPPED",
]

Message = c.CFUNCTYPE(None, c.c_void_p, c.c_char_p)


def struct(name: str, *fields: tuple) -> Any:
    """A ctypes structure with the name that it has in the headers."""
    return type(name, (c.Structure,), {"_fields_": list(fields)})


Error = struct("mg_error", ("status", c.c_int), ("text", c.c_char * 1024))
Notices = struct("mg_notices", ("message", Message), ("context", c.c_void_p))

DataDense = struct("mg_data_dense", ("type", c.c_int), ("cells", c.c_void_p), ("row_bytes", c.c_int64))
DataCsr = struct(
    "mg_data_csr",
    ("value_type", c.c_int),
    ("values", c.c_void_p),
    ("index_type", c.c_int),
    ("indices", c.c_void_p),
    ("indptr_type", c.c_int),
    ("indptr", c.c_void_p),
    ("stored", c.c_int64),
)
Data = struct(
    "mg_data",
    ("name", c.c_char_p),
    ("rows", c.c_int64),
    ("features", c.c_int64),
    ("dense", c.POINTER(DataDense)),
    ("csr", c.POINTER(DataCsr)),
    ("labels", c.c_void_p),
    ("text_labels", c.POINTER(c.c_char_p)),
    ("weights", c.c_void_p),
    ("feature_names", c.POINTER(c.c_char_p)),
)

PlanData = struct(
    "mg_plan_data",
    *[(name, c.c_int64) for name in ("rows", "features", "classes", "validation_rows", "used_features")],
    ("stored", c.c_double),
    ("sparse", c.c_bool),
    ("streamed", c.c_bool),
    ("row_bytes", c.c_double),
    ("load_seconds", c.c_double),
    ("cell", c.c_char_p),
)
Plan = struct(
    "mg_plan",
    ("directory", c.c_char_p),
    ("data", PlanData),
    *[(name, c.c_double) for name in ("state_bytes", "lambda", "learning_rate", "prepare_seconds")],
    ("threads", c.c_int),
    *[(name, c.c_int64) for name in ("parts", "batch", "epochs")],
    ("tolerance", c.c_double),
    *[(name, c.c_char_p) for name in ("loss", "solver", "kernel", "threads_bound_by", "solver_why")],
    *[(name, c.c_int64) for name in ("resumed_step", "shards", "ranks")],
)
Progress = struct(
    "mg_progress",
    *[(name, c.c_int64) for name in ("epoch", "epochs", "step", "total_steps")],
    ("epoch_end", c.c_bool),
    *[
        (name, c.c_double)
        for name in (
            "epoch_fraction",
            "pass_loss",
            "train_loss",
            "objective",
            "gap",
            "accuracy",
            "rows_per_second",
            "wait_share",
            "seconds",
            "eta_seconds",
            "learning_rate",
        )
    ],
)
OnPlan = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(Plan))
OnProgress = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(Progress))
OnStep = c.CFUNCTYPE(c.c_bool, c.c_void_p, c.c_int64)
Observer = struct(
    "mg_observer",
    ("context", c.c_void_p),
    ("plan", OnPlan),
    ("progress", OnProgress),
    ("message", Message),
    ("stop", OnStep),
)

CalibrationReport = struct(
    "mg_calibration_report",
    ("method", c.c_char * 16),
    ("rows", c.c_int64),
    *[(name, c.c_double) for name in ("temperature", "exponent", "log_loss_before", "log_loss", "ece_before",
                                      "ece")],
)
TrainRequest = struct(
    "mg_train_request",
    ("resume", c.c_bool),
    ("overwrite", c.c_bool),
    ("init_model", c.c_char_p),
    ("observer", c.POINTER(Observer)),
    ("finish", c.c_void_p),
)
TrainResult = struct(
    "mg_train_result",
    ("step", c.c_int64),
    ("epoch", c.c_int64),
    *[(name, c.c_double) for name in ("seconds", "objective", "dual", "gap", "tolerance")],
    ("converged", c.c_bool),
    ("train_accuracy", c.c_double),
    ("accuracy", c.c_double),
    ("best_epoch", c.c_int64),
    ("test_accuracy", c.c_double),
    ("reason", c.c_char * 64),
    ("model_path", c.c_char * PATH_TEXT),
    ("warning", c.c_char * 640),
    ("calibration", CalibrationReport),
)
FitRequest = struct(
    "mg_fit_request",
    ("train", c.POINTER(Data)),
    ("validation", c.POINTER(Data)),
    ("start", c.c_void_p),
    ("directory", c.c_char_p),
    ("resume", c.c_bool),
    ("overwrite", c.c_bool),
    ("observer", c.POINTER(Observer)),
    ("stop", c.c_void_p),
    ("finish", c.c_void_p),
)
FitResult = struct(
    "mg_fit_result",
    ("train", TrainResult),
    ("copied_bytes", c.c_int64),
    ("copied_why", c.c_char * 160),
    ("converted_bytes", c.c_int64),
)

ModelParts = struct(
    "mg_model_parts",
    ("classes", c.c_int64),
    ("features", c.c_int64),
    ("weights", c.c_void_p),
    ("bias", c.c_void_p),
    ("labels", c.c_void_p),
    ("text_labels", c.POINTER(c.c_char_p)),
    ("feature_names", c.POINTER(c.c_char_p)),
    *[(name, c.c_char_p) for name in ("loss", "rows", "transform")],
    *[(name, c.c_double) for name in ("delta", "lambda", "objective", "dual", "bias_value")],
    *[(name, c.c_int64) for name in ("step", "epoch", "training_rows")],
    ("calibration", CalibrationReport),
    ("slope", c.c_void_p),
    ("intercept", c.c_void_p),
    ("clip_low", c.c_void_p),
    ("clip_high", c.c_void_p),
)
ScoreRequest = struct(
    "mg_score_request",
    ("data", c.POINTER(Data)),
    ("threads", c.c_int),
    ("stop", c.c_void_p),
    ("notices", Notices),
    ("scores", c.c_void_p),
    ("probabilities", c.c_void_p),
    ("best", c.c_void_p),
    ("labels", c.c_void_p),
    ("top", c.c_int64),
    ("top_classes", c.c_void_p),
    ("top_scores", c.c_void_p),
)

PathPoint = struct(
    "mg_path_point",
    *[
        (name, c.c_double)
        for name in ("C", "lambda", "objective", "dual", "gap", "accuracy", "seconds", "passes", "converged")
    ],
)
OnPoint = c.CFUNCTYPE(None, c.c_void_p, c.c_int, c.POINTER(PathPoint))
PathRequest = struct(
    "mg_path_request",
    ("C", c.c_char_p),
    ("lambda", c.c_char_p),
    ("resume", c.c_bool),
    ("overwrite", c.c_bool),
    ("observer", c.POINTER(Observer)),
    ("context", c.c_void_p),
    ("point", OnPoint),
    ("rows", c.POINTER(FitRequest)),
    ("model", c.POINTER(c.c_void_p)),
)
PathResult = struct(
    "mg_path_result",
    ("points", c.c_int),
    ("best", c.c_int),
    ("tolerance", c.c_double),
    ("test_accuracy", c.c_double),
    ("point", PathPoint * PATH_POINTS),
    ("model_path", c.c_char * PATH_TEXT),
    ("points_path", c.c_char * PATH_TEXT),
)
CvFold = struct(
    "mg_cv_fold",
    ("fold", c.c_int),
    ("point", c.c_int),
    *[(name, c.c_double) for name in ("C", "lambda", "accuracy", "objective", "gap", "seconds")],
    ("missed", c.c_bool),
)
CvMean = struct(
    "mg_cv_mean", ("value", c.c_double), ("mean", c.c_double), ("deviation", c.c_double), ("missed", c.c_int)
)
OnFold = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(CvFold))
CvRequest = struct(
    "mg_cv_request",
    ("folds", c.c_int64),
    ("C", c.c_char_p),
    ("lambda", c.c_char_p),
    ("resume", c.c_bool),
    ("overwrite", c.c_bool),
    ("observer", c.POINTER(Observer)),
    ("context", c.c_void_p),
    ("fold", OnFold),
    ("rows", c.POINTER(FitRequest)),
)
CvResult = struct(
    "mg_cv_result",
    ("folds", c.c_int),
    ("points", c.c_int),
    ("best", c.c_int),
    ("mean", CvMean * PATH_POINTS),
    ("folds_path", c.c_char * PATH_TEXT),
)
OnBytes = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_size_t, c.POINTER(Error))
ExportSink = struct("mg_export_sink", ("write", OnBytes), ("context", c.c_void_p))
PUBLIC = [
    value
    for value in list(globals().values())
    if isinstance(value, type) and issubclass(value, c.Structure) and value is not c.Structure
]


def as_dict(value: c.Structure) -> dict:
    """The fields of a structure as Python values; bytes become text."""
    out = {}
    for name, *_ in value._fields_:
        field = getattr(value, name)
        if isinstance(field, c.Structure):
            field = as_dict(field)
        out[name] = field.decode("utf-8", "replace") if isinstance(field, bytes) else field
    return out
