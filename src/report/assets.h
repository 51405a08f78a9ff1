// assets.h - files that are part of every report. CMake makes their bytes from src/report/page and
// src/report/uplot (scripts/embed.cmake).
#ifndef MG_REPORT_ASSETS_H
#define MG_REPORT_ASSETS_H

#include <stddef.h>

typedef struct mg_asset {
    const char *bytes; // [size]
    size_t size;
} mg_asset;

extern const mg_asset mg_asset_uplot_css, mg_asset_uplot_js, mg_asset_uplot_licence, mg_asset_report_css,
    mg_asset_report_js;

enum { MG_REPORT_MOST = 16 }; // most trainings of one report: more curves cannot be told apart

#endif
