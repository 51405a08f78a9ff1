// metrics.c - owns metrics.jsonl.
#include "train/metrics.h"

#include "base/json.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const size_t most_bytes = (size_t)1 << 32;
#define MOST_SECONDS 1e10 // three centuries

static double seconds_of(const char *line, const char *end) {
    const char *key = memmem(line, (size_t)(end - line), "\"seconds\": ", 11);
    double seconds = key ? strtod(key + 11, NULL) : 0;
    return seconds >= 0 && seconds < MOST_SECONDS ? seconds : 0; // the line may have been edited
}

static int is_counted(const char *line, const char *end) {
    size_t length = (size_t)(end - line);
    return memmem(line, length, "\"event\": \"epoch\"", 16) ||
           memmem(line, length, "\"event\": \"eval\"", 15);
}

// Bytes of `text` to keep: up to the line after the last counted line that is kept.
static size_t kept_bytes(const char *text, size_t size, int64_t keep, double *seconds) {
    const char *at = text, *stop = text + size, *kept = text;
    int64_t counted = 0;
    while (at < stop) {
        const char *end = memchr(at, '\n', (size_t)(stop - at));
        if (!end) break; // a line that a crash cut off
        int counts = is_counted(at, end);
        if (counts && counted == keep) break;
        counted += counts;
        double here = seconds_of(at, end);
        if (here > *seconds) *seconds = here;
        at = kept = end + 1;
    }
    return (size_t)(kept - text);
}

// The file is cut and appended to in place, so it must not be one of another directory: a symbolic link is
// not followed. A FIFO would wait for a reader.
static mg_status open_file(const mg_directory *directory, mg_metrics *metrics, nlink_t *links,
                           mg_error *error) {
    struct stat about;
    metrics->fd = mg_file_calls.open(mg_directory_descriptor(directory), "metrics.jsonl",
                                     O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0666);
    if (metrics->fd < 0 && errno == ELOOP)
        return mg_fail(
            error, MG_IO,
            "%s: is a symbolic link, and links are not followed here: put a copy of the file in its place, "
            "or move it away",
            metrics->path);
    if (metrics->fd < 0)
        return mg_fail(error, MG_IO, "%s: cannot be written: %s", metrics->path, strerror(errno));
    bool known = !fstat(metrics->fd, &about);
    *links = known ? about.st_nlink : 1;
    if (known && S_ISREG(about.st_mode)) return MG_OK;
    return mg_fail(error, MG_IO, "%s: is not a regular file: move it away", metrics->path);
}

// Puts a copy of the kept lines in the place of a file that has other names too, such as in a backup.
static mg_status unlink_copy(const mg_directory *directory, mg_metrics *metrics, const void *bytes,
                             size_t kept, mg_error *error) {
    nlink_t links;
    mg_file_calls.close(metrics->fd);
    metrics->fd = -1;
    mg_status status = mg_directory_write(directory, "metrics.jsonl", bytes, kept, error);
    return status ? status : open_file(directory, metrics, &links, error);
}

mg_status mg_metrics_open(const mg_directory *directory, int64_t keep_events, mg_metrics *metrics,
                          double *seconds, mg_error *error) {
    *metrics = (mg_metrics){.fd = -1, .events = keep_events < 0 ? 0 : keep_events};
    unsigned char *bytes = NULL;
    size_t size = 0, kept = 0;
    mg_status status = mg_directory_name(directory, "metrics.jsonl", &metrics->path, error);
    nlink_t links = 1;
    if (!status) status = open_file(directory, metrics, &links, error);
    if (!status && keep_events >= 0) {
        status = mg_file_read_open(metrics->fd, metrics->path, most_bytes, &bytes, &size, error);
        if (!status) kept = kept_bytes((const char *)bytes, size, keep_events, seconds);
    }
    if (!status && links > 1) status = unlink_copy(directory, metrics, bytes, kept, error);
    mg_memory_free(bytes);
    if (!status && ftruncate(metrics->fd, (off_t)kept))
        status = mg_fail(error, MG_IO, "%s: cannot be written: %s", metrics->path, strerror(errno));
    if (status) mg_metrics_close(metrics);
    return status;
}

static int64_t count_events(const char *text, size_t size) {
    int64_t counted = 0;
    const char *at = text, *stop = text + size;
    for (const char *end; at < stop && (end = memchr(at, '\n', (size_t)(stop - at))); at = end + 1)
        counted += is_counted(at, end);
    return counted;
}

bool mg_metrics_find_end(const mg_directory *directory, mg_metrics_ending *out) {
    unsigned char *bytes = NULL;
    size_t size = 0;
    int fd;
    if (mg_directory_open_file(directory, "metrics.jsonl", &fd, NULL)) return false;
    bool ended = !mg_file_read_open(fd, "metrics.jsonl", most_bytes, &bytes, &size, NULL) && size > 0 &&
                 bytes[size - 1] == '\n';
    close(fd);
    const char *text = (const char *)bytes;
    size_t begin = ended ? size - 1 : 0;
    while (begin > 0 && text[begin - 1] != '\n') begin--;
    ended = ended && memmem(text + begin, size - begin, "\"event\": \"end\"", 14);
    const char *step = ended ? memmem(text + begin, size - begin, "\"step\": ", 8) : NULL;
    if (step)
        *out = (mg_metrics_ending){.step = strtoll(step + 8, NULL, 10), // ends before the line feed
                                   .events = count_events(text, begin),
                                   .seconds = seconds_of(text + begin, text + size)};
    mg_memory_free(bytes);
    return step != NULL;
}

bool mg_metrics_are_there(const mg_metrics *metrics, const mg_directory *directory) {
    return metrics->fd < 0 || !directory || mg_directory_leads_to(directory, "metrics.jsonl", metrics->fd);
}

void mg_metrics_close(mg_metrics *metrics) {
    if (metrics->fd >= 0) mg_file_calls.close(metrics->fd);
    mg_writer_clear(&metrics->pending);
    mg_memory_free(metrics->path);
    *metrics = (mg_metrics){.fd = -1};
}

void mg_metrics_begin(mg_writer *line, const char *event, int64_t step, int64_t epoch, double seconds) {
    mg_writer_clear(line);
    mg_writer_add(line, "{");
    mg_json_put_text(line, "event", event);
    mg_json_put_int(line, "step", step);
    mg_json_put_int(line, "epoch", epoch);
    mg_json_put_real(line, "seconds", seconds);
}

// Returns the failure to report: of this attempt, or else of a line that was lost.
static mg_error write_pending(mg_metrics *metrics) {
    mg_writer *pending = &metrics->pending;
    mg_error failure = metrics->lost;
    size_t done = 0;
    while (done < pending->length) {
        ssize_t written = mg_file_calls.write(metrics->fd, pending->text + done, pending->length - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            mg_fail(&failure, MG_IO, "%s: cannot be written: %s", metrics->path,
                    written ? strerror(errno) : "no progress");
            break;
        }
        done += (size_t)written;
    }
    if (done) memmove(pending->text, pending->text + done, pending->length - done);
    pending->length -= done;
    return failure;
}

void mg_metrics_end(mg_metrics *metrics, mg_writer *line, int counted) {
    if (metrics->fd < 0) mg_writer_clear(line); // a finished run writes nothing
    if (metrics->fd < 0) return;
    mg_writer_add(line, "}\n");
    if (!line->status) mg_writer_add_bytes(&metrics->pending, line->text, line->length);
    if (line->status || metrics->pending.status) {
        metrics->lost = line->status ? line->error : metrics->pending.error;
        metrics->pending.status = MG_OK; // what it already holds is unchanged
    } else {
        metrics->events += counted;
    }
    metrics->failure = write_pending(metrics);
    mg_writer_clear(line);
}
