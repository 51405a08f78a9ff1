/* process.h - for programs that use libhdf5 through margin alone. */
#ifndef MARGIN_PROCESS_H
#define MARGIN_PROCESS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Call it at the start of such a program, before any other function of margin. Then libhdf5 does nothing
 * when the process ends. Otherwise it cleans up there, and may crash if memory has run out before. margin has
 * closed its files by then. A program that opens files with libhdf5 itself must close them before it ends. */
void mg_process_begin(void);

#ifdef __cplusplus
}
#endif

#endif
