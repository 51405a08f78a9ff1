/* margin.h - includes all headers of margin. */
#ifndef MARGIN_MARGIN_H
#define MARGIN_MARGIN_H

#include <margin/activity.h>
#include <margin/bench.h>
#include <margin/calibrate.h>
#include <margin/config.h>
#include <margin/convert.h>
#include <margin/cv.h>
#include <margin/data.h>
#include <margin/explain.h>
#include <margin/export.h>
#include <margin/fit.h>
#include <margin/gradcheck.h>
#include <margin/inspect.h>
#include <margin/list.h>
#include <margin/measure.h>
#include <margin/model.h>
#include <margin/nearest.h>
#include <margin/output.h>
#include <margin/path.h>
#include <margin/predict.h>
#include <margin/printable.h>
#include <margin/process.h>
#include <margin/report.h>
#include <margin/runs.h>
#include <margin/status.h>
#include <margin/trainer.h>
#include <margin/version.h>

#endif
