// support.c - the files, data and comparisons of support.h.
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "io/file.h"
#include "io/h5_write.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool support_few(void) {
    const char *few = getenv("MARGIN_FEW");
    return few && *few;
}

// ---- files --------------------------------------------------------------------------------------

static char directory[200];
static char **paths; // the paths that support_path has returned
static size_t path_count, path_room;

// Uses a directory in memory if there is one, because hundreds of runs would otherwise wait for the disk.
static const char *choose_base(void) {
    const char *base = getenv("TMPDIR");
    if (base && *base) return base;
    return access("/dev/shm", R_OK | W_OK | X_OK) ? "/tmp" : "/dev/shm";
}

int support_begin(void **unused) {
    (void)unused;
    snprintf(directory, sizeof directory, "%.150s/margin-test-XXXXXX", choose_base());
    return mkdtemp(directory) ? 0 : -1;
}

int support_end(void **unused) {
    (void)unused;
    support_remove(directory);
    while (path_count) free(paths[--path_count]);
    free(paths);
    paths = NULL;
    path_room = 0;
    return 0;
}

const char *support_path(const char *format, ...) {
    char name[1000], path[1300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    for (size_t i = 0; i < path_count; i++)
        if (!strcmp(paths[i], path)) return paths[i];
    if (path_count == path_room) paths = realloc(paths, (path_room = 2 * path_room + 16) * sizeof *paths);
    return paths[path_count++] = strdup(path);
}

bool support_exists(const char *path) { return access(path, F_OK) == 0; }

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info, (void)kind, (void)where;
    return remove(path);
}

void support_remove(const char *path) {
    if (support_exists(path)) nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool ends_in(const char *name, const char *ending) {
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && !strcmp(name + length - tail, ending);
}

int support_count(const char *path, const char *ending) {
    DIR *stream = opendir(path);
    int count = 0;
    for (struct dirent *entry; stream && (entry = readdir(stream));)
        count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && ends_in(entry->d_name, ending);
    if (stream) closedir(stream);
    return count;
}

unsigned char *support_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s: cannot be opened", path);
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    rewind(file);
    unsigned char *bytes = malloc((size_t)length + 1);
    if (fread(bytes, 1, (size_t)length, file) != (size_t)length) fail_msg("%s: cannot be read", path);
    fclose(file);
    bytes[length] = 0;
    if (size) *size = (size_t)length;
    return bytes;
}

void support_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
        fail_msg("%s: cannot be written", path);
}

void support_copy(const char *from, const char *to) {
    size_t size;
    unsigned char *bytes = support_read(from, &size);
    support_write(to, bytes, size);
    free(bytes);
}

void support_copy_tree(const char *from, const char *to) {
    struct stat about;
    if (!stat(from, &about) && !S_ISDIR(about.st_mode)) {
        support_copy(from, to);
        return;
    }
    DIR *stream = opendir(from);
    if (!stream || mkdir(to, 0777)) fail_msg("%s: cannot be copied to %s", from, to);
    for (struct dirent *entry; (entry = readdir(stream));) {
        char paths_of[2][4600];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(paths_of[0], sizeof paths_of[0], "%s/%s", from, entry->d_name);
        snprintf(paths_of[1], sizeof paths_of[1], "%s/%s", to, entry->d_name);
        support_copy_tree(paths_of[0], paths_of[1]);
    }
    closedir(stream);
}

// The position of the first byte that differs; -1 if none does.
static long long first_difference(const char *a, const char *b) {
    size_t sizes[2];
    unsigned char *bytes[2] = {support_read(a, &sizes[0]), support_read(b, &sizes[1])};
    size_t least = sizes[0] < sizes[1] ? sizes[0] : sizes[1], at = 0;
    while (at < least && bytes[0][at] == bytes[1][at]) at++;
    free(bytes[0]);
    free(bytes[1]);
    return at == least && sizes[0] == sizes[1] ? -1 : (long long)at;
}

bool support_same(const char *a, const char *b) { return first_difference(a, b) < 0; }

void support_expect_same(const char *a, const char *b, const char *what) {
    long long at = first_difference(a, b);
    if (at >= 0) fail_msg("%s: %s and %s differ at byte %lld", what, a, b, at);
}

void support_write_image(struct mg_h5_image *image, const char *path) {
    mg_error error = {0};
    mg_directory *place;
    const char *name;
    if (mg_directory_open_parent(path, &place, &name, &error) ||
        mg_h5_image_write(image, place, name, NULL, &error))
        fail_msg("%s", error.text);
    mg_directory_close(place);
}

// ---- data ---------------------------------------------------------------------------------------

const char *const support_form_names[SUPPORT_FORMS] = {"u8", "f32", "csr"};

static support_rows empty_rows(int64_t rows, int64_t features, int64_t classes) {
    support_rows data = {.rows = rows, .features = features, .classes = classes, .labels = rows};
    data.x = calloc((size_t)(rows * features), sizeof *data.x);
    data.y = calloc((size_t)rows + 1, sizeof *data.y);
    return data;
}

support_rows support_make(int64_t rows, int64_t features, int64_t classes, uint64_t seed) {
    support_rows data = empty_rows(rows, features, classes);
    uint64_t means = mg_rng_key(seed, 1, 0), cells = mg_rng_key(seed, 2, 0), labels = mg_rng_key(seed, 3, 0);
    for (int64_t i = 0; i < rows; i++) {
        int64_t k = i < classes ? i : (int64_t)(mg_rng_at(labels, (uint64_t)i) % (uint64_t)classes);
        for (int64_t d = 0; d < features; d++) {
            uint64_t mean = mg_rng_at(means, (uint64_t)(k * features + d)),
                     noise = mg_rng_at(cells, (uint64_t)(i * features + d));
            int64_t x = (int64_t)(mean % 180) - 90 + (int64_t)(noise % 64) + (int64_t)((noise >> 20) % 64);
            bool there = d % 3 == 2 ? (noise >> 40) % 16 == 0 : (noise >> 40) % 4 != 0;
            data.x[i * features + d] = there && x > 0 ? (float)x : there ? 1 : 0;
        }
        bool wrong = i >= classes && mg_rng_at(labels, (uint64_t)(rows + i)) % 8 == 0;
        data.y[i] = wrong ? (k + 1) % classes : k;
    }
    return data;
}

void support_free(support_rows *data) {
    free(data->x);
    free(data->y);
    free(data->weight);
    *data = (support_rows){0};
}

support_rows support_pick(const support_rows *from, const int64_t *pick, int64_t count) {
    support_rows data = empty_rows(count, from->features, from->classes);
    size_t line = (size_t)from->features;
    if (from->weight) data.weight = calloc((size_t)count, sizeof *data.weight);
    for (int64_t i = 0; i < count; i++) {
        memcpy(data.x + (size_t)i * line, from->x + (size_t)pick[i] * line, line * sizeof *data.x);
        data.y[i] = from->y[pick[i]];
        if (from->weight) data.weight[i] = from->weight[pick[i]];
    }
    return data;
}

typedef struct saving {
    mg_h5_writer *writer;
    mg_status status;
    mg_error error;
} saving;

static int declare(saving *to, const char *name, mg_h5_type type, int rank, int64_t rows, int64_t columns) {
    int array = -1;
    const mg_h5_new_array shape = {.type = type, .rank = rank, .dims = {rows, columns}};
    if (!to->status) to->status = mg_h5_writer_array(to->writer, name, &shape, &array, &to->error);
    return array;
}

static void append(saving *to, int array, const void *bytes, size_t size) {
    if (!to->status) to->status = mg_h5_writer_append(to->writer, array, bytes, size, &to->error);
}

static void put_dense(saving *to, const support_rows *data, support_form form, int array) {
    size_t cells = (size_t)(data->rows * data->features);
    unsigned char *narrow = malloc(cells + 1);
    float *wide = malloc((cells + 1) * sizeof *wide);
    for (size_t i = 0; i < cells; i++) {
        // in other forms, values may not fit in a byte
        narrow[i] = form == SUPPORT_U8 ? (unsigned char)data->x[i] : 0;
        wide[i] = data->x[i] / 7;
    }
    if (form == SUPPORT_U8) append(to, array, narrow, cells);
    else append(to, array, wide, cells * sizeof *wide);
    free(narrow);
    free(wide);
}

static void put_sparse(saving *to, const support_rows *data, const int arrays[3]) {
    int64_t entries = 0;
    append(to, arrays[2], &entries, sizeof entries);
    for (int64_t i = 0; i < data->rows; i++) {
        for (int64_t d = 0; d < data->features; d++) {
            float value = data->x[i * data->features + d] / 7;
            int32_t index = (int32_t)d;
            if (value == 0) continue;
            append(to, arrays[0], &value, sizeof value);
            append(to, arrays[1], &index, sizeof index);
            entries++;
        }
        append(to, arrays[2], &entries, sizeof entries);
    }
}

static int64_t count_entries(const support_rows *data) {
    int64_t count = 0;
    for (int64_t i = 0; i < data->rows * data->features; i++) count += data->x[i] != 0;
    return count;
}

void support_save(const support_rows *data, support_form form, const char *path) {
    saving to = {0};
    int x[3] = {0}, y, w = -1, again[2] = {-1, -1};
    int64_t shape[2] = {data->rows, data->features}, entries = count_entries(data);
    to.status = mg_h5_writer_create(&to.writer, path, true, 0, &to.error);
    if (form == SUPPORT_CSR) {
        if (!to.status) to.status = mg_h5_writer_group(to.writer, "X", &to.error);
        if (!to.status) to.status = mg_h5_writer_int64(to.writer, "X", "shape", shape, 2, &to.error);
        if (!to.status)
            to.status = mg_h5_writer_text(to.writer, "X", "encoding-type", "csr_matrix", &to.error);
        x[0] = declare(&to, "X/data", MG_H5_F32, 1, entries, 1);
        x[1] = declare(&to, "X/indices", MG_H5_I32, 1, entries, 1);
        x[2] = declare(&to, "X/indptr", MG_H5_I64, 1, data->rows + 1, 1);
    } else {
        x[0] = declare(&to, "X", form == SUPPORT_U8 ? MG_H5_U8 : MG_H5_F32, 2, data->rows, data->features);
    }
    y = declare(&to, "y", MG_H5_I64, 1, data->labels, 1);
    if (data->twice)
        again[0] =
            declare(&to, "X2", form == SUPPORT_U8 ? MG_H5_U8 : MG_H5_F32, 2, data->rows, data->features);
    if (data->twice) again[1] = declare(&to, "y2", MG_H5_I64, 1, data->labels, 1);
    if (data->weight) w = declare(&to, "w", MG_H5_F64, 1, data->rows, 1);
    if (!to.status) to.status = mg_h5_writer_start(to.writer, &to.error);
    if (form == SUPPORT_CSR) put_sparse(&to, data, x);
    else put_dense(&to, data, form, x[0]);
    append(&to, y, data->y, (size_t)data->labels * sizeof *data->y);
    if (data->twice) put_dense(&to, data, form, again[0]);
    if (data->twice) append(&to, again[1], data->y, (size_t)data->labels * sizeof *data->y);
    if (data->weight) append(&to, w, data->weight, (size_t)data->rows * sizeof *data->weight);
    if (!to.status) to.status = mg_h5_writer_commit(&to.writer, 1, &to.error);
    mg_h5_writer_destroy(to.writer);
    if (to.status) fail_msg("%s: %s", path, to.error.text);
}

void support_data(const char *path, support_form form, int64_t rows, int64_t features, int64_t classes,
                  uint64_t seed) {
    support_rows data = support_make(rows, features, classes, seed);
    support_save(&data, form, path);
    support_free(&data);
}
