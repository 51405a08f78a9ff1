// metrics.c - owns metrics.jsonl.
#include "train/metrics.h"

#include "base/arithmetic.h"
#include "base/json.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The file is read in blocks, because that of a long run may not fit in memory. Only the first LINE bytes of
// a line are looked at; margin writes no longer lines.
enum { BLOCK = 1 << 15, LINE = 1 << 12 };
#define MOST_SECONDS 1e10 // three centuries

static double seconds_of(const char *line, const char *end) {
    const char *key = memmem(line, (size_t)(end - line), "\"seconds\": ", 11);
    double seconds = key ? strtod(key + 11, NULL) : 0;
    return seconds >= 0 && seconds < MOST_SECONDS ? seconds : 0; // 0 if somebody has edited the line
}

static int is_counted(const char *line, const char *end) {
    size_t length = (size_t)(end - line);
    return memmem(line, length, "\"event\": \"epoch\"", 16) ||
           memmem(line, length, "\"event\": \"eval\"", 15);
}

static ssize_t read_at(int fd, char block[BLOCK], int64_t at) {
    ssize_t got;
    do got = pread(fd, block, BLOCK, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got;
}

// Receives a complete line, and the position of the next line in the file. Returns false to stop reading.
typedef bool see_line(void *context, const char *line, const char *end, int64_t next);

// Calls `see` for each complete line. *size becomes the number of bytes read: up to the end of the file, or
// of the block in which `see` stopped. Errors: MG_IO.
static mg_status each_line(int fd, const char *path, see_line *see, void *context, int64_t *size,
                           mg_error *error) {
    char block[BLOCK], line[LINE + 1];
    size_t held = 0; // bytes of an incomplete line in the buffer
    ssize_t got = 0;
    bool more = true;
    for (*size = 0; more && (got = read_at(fd, block, *size)) > 0; *size += got) {
        const char *from = block, *stop = block + got;
        while (more && from < stop) {
            const char *end = memchr(from, '\n', (size_t)(stop - from));
            size_t part = (size_t)((end ? end : stop) - from),
                   taken = part < LINE - held ? part : LINE - held;
            memcpy(line + held, from, taken);
            held += taken;
            from += part + (end != NULL);
            if (!end) break;
            line[held] = 0; // ends a number that is cut off here
            more = see(context, line, line + held, *size + (from - block));
            held = 0;
        }
    }
    return got < 0 ? mg_fail(error, MG_IO, "%s: cannot be read: %s", path, strerror(errno)) : MG_OK;
}

// The lines to keep when a run is resumed: up to and including the keep-th counted line, and the uncounted
// lines that follow it.
typedef struct kept_lines {
    int64_t keep, counted, bytes;
    double seconds;
} kept_lines;

static bool keep_line(void *context, const char *line, const char *end, int64_t next) {
    kept_lines *kept = context;
    int counts = is_counted(line, end);
    if (counts && kept->counted == kept->keep) return false;
    kept->counted += counts;
    kept->seconds = fmax(kept->seconds, seconds_of(line, end));
    kept->bytes = next;
    return true;
}

// Opens the file for changes in place. A symbolic link is not followed, because it could point to a file of
// another directory. A FIFO is not opened, because that would wait for a reader.
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

static mg_status copy_bytes(int from, int to, const char *path, int64_t size, mg_error *error) {
    char block[BLOCK];
    mg_status status = MG_OK;
    for (int64_t at = 0; !status && at < size;) {
        ssize_t got = read_at(from, block, at), left = (ssize_t)mg_min(size - at, BLOCK);
        if (got <= 0)
            return mg_fail(error, MG_IO, "%s: cannot be read: %s", path,
                           got ? strerror(errno) : "it ends too early");
        status = mg_file_write_all(to, path, block, (size_t)mg_min(got, left), error);
        at += got;
    }
    return status;
}

// Replaces the file by a copy of the lines to keep. Needed if it has further hard links, such as in a backup,
// whose content must not change.
static mg_status unlink_copy(const mg_directory *directory, mg_metrics *metrics, int64_t kept,
                             mg_error *error) {
    static const char name[] = "metrics.jsonl";
    char temporary[MG_TEMPORARY_TEXT];
    nlink_t links;
    int fd;
    mg_status status = mg_directory_begin(directory, name, temporary, &fd, error);
    if (!status) {
        status = copy_bytes(metrics->fd, fd, metrics->path, kept, error);
        if (!status) status = mg_directory_end(directory, temporary, name, NULL, &fd, error);
        if (status) mg_directory_give_up(directory, temporary, &fd);
    }
    mg_file_calls.close(metrics->fd);
    metrics->fd = -1;
    return status ? status : open_file(directory, metrics, &links, error);
}

mg_status mg_metrics_open(const mg_directory *directory, int64_t keep_events, mg_metrics *metrics,
                          double *seconds, mg_error *error) {
    *metrics = (mg_metrics){.fd = -1, .events = keep_events < 0 ? 0 : keep_events};
    kept_lines kept = {.keep = keep_events, .seconds = *seconds};
    int64_t size;
    nlink_t links = 1;
    mg_status status = mg_directory_name(directory, "metrics.jsonl", &metrics->path, error);
    if (!status) status = open_file(directory, metrics, &links, error);
    if (!status && keep_events >= 0)
        status = each_line(metrics->fd, metrics->path, keep_line, &kept, &size, error);
    if (!status) *seconds = kept.seconds;
    if (!status && links > 1) status = unlink_copy(directory, metrics, kept.bytes, error);
    if (!status && ftruncate(metrics->fd, (off_t)kept.bytes))
        status = mg_fail(error, MG_IO, "%s: cannot be written: %s", metrics->path, strerror(errno));
    if (status) mg_metrics_close(metrics);
    return status;
}

typedef struct last_line {
    mg_metrics_ending ending;
    bool found;      // the last line read is an `end` event
    int64_t counted; // number of counted lines
    int64_t next;    // position after the last line
} last_line;

static bool look_for_end(void *context, const char *line, const char *end, int64_t next) {
    last_line *last = context;
    const char *step = memmem(line, (size_t)(end - line), "\"step\": ", 8);
    last->next = next;
    last->found = step && memmem(line, (size_t)(end - line), "\"event\": \"end\"", 14);
    if (last->found)
        last->ending = (mg_metrics_ending){
            .step = strtoll(step + 8, NULL, 10), .events = last->counted, .seconds = seconds_of(line, end)};
    last->counted += is_counted(line, end);
    return true;
}

mg_status mg_metrics_find_end(const mg_directory *directory, mg_metrics_ending *out, bool *found,
                              mg_error *error) {
    static const char name[] = "metrics.jsonl";
    last_line last = {0};
    int64_t size = 0;
    char *path;
    int fd = -1;
    *found = false;
    if (mg_directory_lacks(directory, name)) return MG_OK;
    mg_status status = mg_directory_name(directory, name, &path, error);
    if (!status)
        status = mg_file_open_at(mg_directory_descriptor(directory), name, path, MG_FILE_REGULAR, &fd, error);
    if (!status) status = each_line(fd, path, look_for_end, &last, &size, error);
    if (fd >= 0) close(fd);
    mg_memory_free(path);
    // the second condition: bytes after the last complete line mean that a crash cut a line off
    *found = !status && last.found && last.next == size;
    *out = last.ending;
    return status;
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

// Writes pending lines. Returns the error to report: of this attempt or, if it succeeds, of a line that was
// lost before.
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
        metrics->pending.status = MG_OK; // the lines that it already holds are complete, so they can still be
                                         // written
    } else {
        metrics->events += counted;
    }
    metrics->failure = write_pending(metrics);
    mg_writer_clear(line);
}
