// foreign.c - a table of magic bytes, and commands that convert such files to readable ones. Every command
// must work as printed; tests/format/test_advice.py runs them.
#include "format/foreign.h"

#include "base/shell.h"
#include "format/head.h"
#include "format/wabbit.h"
#include "io/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MOST_NAME = MG_SHELL_WORD };

typedef struct head {
    const char *path, *bytes;
    size_t count;
    bool packed;
} head;

// Makes the name of a command's output file: the name of `path` with another extension, in the current
// directory.
static const char *new_name(const char *path, const char *ending, char out[MOST_NAME]) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    size_t bytes = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    if (bytes > MOST_NAME / 2) return "NEW";
    snprintf(out, MOST_NAME, "%.*s%s", (int)bytes, name, ending);
    if (!strcmp(out, name)) snprintf(out, MOST_NAME, "new_%.*s%s", (int)bytes, name, ending);
    return out;
}

// Returns the error that says what the file is, and which filter command converts it.
static mg_status refuse_filter(const head *h, const char *what, const char *filter, const char *ending,
                               mg_error *error) {
    char in[MOST_NAME], made[MOST_NAME], out[MOST_NAME];
    const char *from = mg_shell_word(h->path, "FILE", in, sizeof in),
               *to = mg_shell_word(new_name(h->path, ending, made), "FILE", out, sizeof out);
    if (h->packed)
        return mg_fail(error, MG_DATA, "%s: is %s; convert the output of: gzip -dc < %s | %s > %s", h->path,
                       what, from, filter, to);
    return mg_fail(error, MG_DATA, "%s: is %s; convert the output of: %s < %s > %s", h->path, what, filter,
                   from, to);
}

// The same for advice that is a sentence, `how`; {} in it stands for the file.
static mg_status refuse_sentence(const head *h, const char *what, const char *how, mg_error *error) {
    char in[MOST_NAME], text[3 * MOST_NAME];
    const char *from =
        h->packed ? "FILE (unpacked by gzip -d)" : mg_shell_word(h->path, "FILE", in, sizeof in);
    size_t used = 0;
    for (const char *c = how; *c && used < sizeof text - MOST_NAME; c++) {
        if (c[0] == '{' && c[1] == '}') {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", from);
            c++;
        } else {
            text[used++] = *c;
        }
    }
    text[used] = '\0';
    return mg_fail(error, MG_DATA, "%s: is %s; %s", h->path, what, text);
}

typedef struct kind {
    size_t offset;
    const char *magic;
    size_t bytes;
    const char *what;
    const char *filter; // command; NULL: `how` is a sentence
    const char *how;    // the sentence or, for a filter, the new extension
} kind;

#define MAGIC(text) text, sizeof text - 1

static const char arrays[] =
    "save its arrays from Python with numpy.save('X.npy', X) and numpy.save('y.npy', y), "
    "then: margin convert X.npy y.npy OUTPUT.h5";

static const kind kinds[] = {
    {0,
     MAGIC("\xfd"
           "7zXZ"),
     "compressed by xz", "xz -dc", ""},
    {0, MAGIC("]\0\0"), "compressed by lzma", "xz -dc --format=lzma", ""},
    {4, MAGIC("1AY&SY"), "compressed by bzip2", "bzip2 -dc", ""},
    {0, MAGIC("\x28\xb5\x2f\xfd"), "compressed by zstd", "zstd -dc", ""},
    {0, MAGIC("\x04\x22\x4d\x18"), "compressed by lz4", "lz4 -dc", ""},
    {0, MAGIC("\x1f\x9d"), "compressed by compress", "gzip -dc", ""},
    {0, MAGIC("7z\xbc\xaf\x27\x1c"), "a 7z archive", NULL, "unpack it and convert the files in it: 7z x {}"},
    {257, MAGIC("ustar"), "a tar archive", NULL, "unpack it and convert the files in it: tar xf {}"},
    {0, MAGIC("Rar!\x1a"), "a rar archive", NULL, "unpack it and convert the files in it"},
    {0, MAGIC("\x89HDF"), "an HDF5 file already", NULL,
     "margin trains on it without conversion: margin train --set data.train={} (data.features and "
     "data.labels name its "
     "data sets)"},
    {0, MAGIC("PAR1"), "a Parquet table", NULL,
     "convert it to CSV: python3 -c \"import pandas, sys; "
     "pandas.read_parquet(sys.argv[1]).to_csv('table.csv', "
     "index=False)\" {}"},
    {0, MAGIC("ARROW1"), "an Arrow (Feather) table", NULL,
     "convert it to CSV: python3 -c \"import pandas, sys; "
     "pandas.read_feather(sys.argv[1]).to_csv('table.csv', "
     "index=False)\" {}"},
    {0, MAGIC("FEA1"), "a Feather table", NULL, "save it as CSV with the program that wrote it"},
    {0, MAGIC("\xd0\xcf\x11\xe0"), "an old Excel (xls) file or similar", NULL,
     "save the sheet as CSV with the program that wrote it"},
    {0, MAGIC("SQLite format 3"), "an SQLite data base", NULL,
     "save a table as CSV: sqlite3 -header -csv {} 'SELECT * FROM NAME' > table.csv"},
    {0, MAGIC("MATLAB 5.0"), "a MATLAB file", NULL, arrays},
    {0, MAGIC("RDX3\n"), "a file of R", NULL,
     "save the table from R with write.csv(x, 'x.csv', row.names = FALSE)"},
    {0, MAGIC("%PDF"), "a PDF document", NULL, "margin needs the data as a table"},
    {0, MAGIC("\x89PNG"), "a PNG picture", NULL, arrays},
    {0, MAGIC("\xff\xd8\xff"), "a JPEG picture", NULL, arrays},
    {0, MAGIC("version https://git-lfs"), "a pointer of Git LFS, not the data", NULL,
     "fetch the data in its repository: git lfs pull"},
};

// Magic bytes that are plain text, such as PAR1, may also begin a table. They count only if the file contains
// a zero byte.
static bool needs_zero(const kind *k) {
    for (size_t i = 0; i < k->bytes; i++)
        if (k->magic[i] < ' ' || k->magic[i] > '~') return false;
    return k->bytes < 5 || k->offset > 4;
}

static bool starts(const head *h, size_t offset, const char *magic, size_t bytes) {
    return h->count >= offset + bytes && !memcmp(h->bytes + offset, magic, bytes);
}

static bool holds(const head *h, const char *name) {
    return memmem(h->bytes, h->count, name, strlen(name)) != NULL;
}

static mg_status refuse_zip(const head *h, mg_error *error) {
    char name[64] = "";
    size_t bytes = (unsigned char)h->bytes[26];
    if (bytes > 4 && bytes < sizeof name && h->count >= 30 + bytes) {
        memcpy(name, h->bytes + 30, bytes);
        name[bytes] = '\0';
        if (!strcmp(name + bytes - 4, ".npy")) return MG_OK; // npz
    }
    if (holds(h, "[Content_Types].xml") || holds(h, "xl/") || holds(h, "opendocument"))
        return refuse_sentence(h, "a spreadsheet (xlsx or ods) or another office document",
                               "save the sheet as CSV with the program that wrote it", error);
    return refuse_sentence(h, "a zip archive",
                           "unpack it and convert the files in it: python3 -m zipfile -e {} .", error);
}

// Refuses UTF-16 and UTF-32, which have a byte order mark, or a zero in every other byte.
static mg_status refuse_wide(const head *h, mg_error *error) {
    static const struct {
        const char *name, *filter;
    } encodings[] = {{"UTF-32 text", "iconv -f UTF-32 -t UTF-8"},
                     {"UTF-16 text", "iconv -f UTF-16 -t UTF-8"},
                     {"UTF-16 text", "iconv -f UTF-16LE -t UTF-8"},
                     {"UTF-16 text", "iconv -f UTF-16BE -t UTF-8"}};
    int found = -1;
    if (starts(h, 0, MAGIC("\x93NUMPY")) || starts(h, 0, MAGIC("\0\0\x08")) || h->count < 2) return MG_OK;
    if (starts(h, 0, MAGIC("\xff\xfe\0\0")) || starts(h, 0, MAGIC("\0\0\xfe\xff"))) found = 0;
    else if (starts(h, 0, MAGIC("\xff\xfe")) || starts(h, 0, MAGIC("\xfe\xff"))) found = 1;
    size_t zeros[2] = {0, 0}, pairs = (h->count < 1000 ? h->count : 1000) / 2;
    for (size_t i = 0; i < 2 * pairs; i++) zeros[i % 2] += h->bytes[i] == '\0';
    for (int odd = 0; found < 0 && pairs >= 2 && odd < 2; odd++)
        if (zeros[odd] * 10 >= pairs * 9 && zeros[1 - odd] == 0) found = odd ? 2 : 3;
    if (found < 0) return MG_OK;
    return refuse_filter(h, encodings[found].name, encodings[found].filter, ".utf8", error);
}

mg_status mg_foreign_refuse(const char *path, bool packed, const char *bytes, size_t count, mg_error *error) {
    const head h = {path, bytes, count, packed};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const kind *k = &kinds[i];
        if (!starts(&h, k->offset, k->magic, k->bytes)) continue;
        if (needs_zero(k) && !memchr(bytes, '\0', count)) continue;
        return k->filter ? refuse_filter(&h, k->what, k->filter, k->how, error)
                         : refuse_sentence(&h, k->what, k->how, error);
    }
    if (starts(&h, 0, MAGIC("PK\3\4")) && count > 30) return refuse_zip(&h, error);
    if (count > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5)
        return refuse_sentence(&h, "a pickle of Python", arrays, error);
    mg_status status = refuse_wide(&h, error);
    const char *cr = memchr(bytes, '\r', count);
    if (status || !cr || memchr(bytes, '\n', count) || memchr(bytes, '\0', count) || cr + 1 >= bytes + count)
        return status;
    return refuse_filter(&h, "text whose lines end in CR alone, as on old Macs", "tr '\\r' '\\n'", ".lf",
                         error);
}

static const char numbered_filter[] = "sed -E 's/^([^ |]*)[^|]*\\|[^ ]* */\\1 /; s/\\|[^ ]* *//g'";
static const char texts_filter[] = "sed -E 's/^([^ |]*)[^|]*\\|[^ ]* */\\1\\t/; s/\\|[^ ]* *//g'";

static mg_status refuse_wabbit(const head *h, mg_error *error) {
    const mg_wabbit found = mg_wabbit_look(h->bytes, h->count);
    const char *filter = found.numbered ? numbered_filter : texts_filter;
    if (!found.is) return MG_OK;
    if (!found.sure)
        return refuse_filter(
            h,
            "a table with '|' between its columns (--format csv --delimiter pipe --label last reads it) "
            "or of Vowpal Wabbit",
            filter, found.numbered ? ".svm" : ".tsv", error);
    if (found.numbered)
        return refuse_filter(h, "of Vowpal Wabbit with numbered features", filter, ".svm", error);
    return refuse_filter(h, "of Vowpal Wabbit (to be read as texts, --format text)", filter, ".tsv", error);
}

// Returns true if the line has a label and then only pairs such as 1=2 or 1;2. *mark: the character between
// index and value, which must be the same in all lines.
static bool has_other_pairs(const char *line, const char *stop, char *mark) {
    const char *c = mg_skip_blanks(mg_skip_word(mg_skip_blanks(line, stop), stop), stop);
    if (c == stop) return false;
    for (; c < stop; c = mg_skip_blanks(c, stop)) {
        double value;
        const char *end = mg_skip_word(c, stop), *at = c + strspn(c, "0123456789");
        if (at == c || at >= end || !strchr("=;", *at) || (*mark && *at != *mark)) return false;
        *mark = *at;
        if (mg_text_number(at + 1, end, &value) != end) return false;
        c = end;
    }
    return true;
}

// Refuses svmlight whose pairs have another character than ':'.
static mg_status refuse_other_pairs(const head *h, mg_error *error) {
    char mark = '\0', what[128], filter[64];
    mg_head_lines lines = mg_head_begin(h->bytes, h->count);
    while (mg_head_next(&lines))
        if (!has_other_pairs(lines.line, lines.stop, &mark)) return MG_OK;
    if (!mark) return MG_OK;
    snprintf(what, sizeof what,
             "svmlight with '%c' in place of ':' (if not, use --format csv or --format text)", mark);
    snprintf(filter, sizeof filter, "sed -E 's/([0-9])%c/\\1:/g'", mark);
    return refuse_filter(h, what, filter, ".svm", error);
}

// Refuses ARFF, which begins with comments (%) and @relation.
static mg_status refuse_arff(const head *h, mg_error *error) {
    const char *line = h->bytes, *end = h->bytes + h->count;
    while (line < end && (*line == '%' || isspace((unsigned char)*line))) {
        line = memchr(line, *line == '%' ? '\n' : *line, (size_t)(end - line));
        line = line ? line + 1 : end;
    }
    if (end - line < 9 || strncasecmp(line, "@relation", 9) != 0) return MG_OK;
    for (const char *c = line; (c = memchr(c, '@', (size_t)(end - c))); c++) {
        if (end - c < 5 || strncasecmp(c, "@data", 5) != 0) continue;
        for (c += 5; c < end && isspace((unsigned char)*c); c++) {
        }
        if (c < end && *c == '{')
            return refuse_sentence(h, "a sparse ARFF file of Weka",
                                   "save it as svmlight from Weka (LibSVM saver) or scikit-learn "
                                   "(dump_svmlight_file)",
                                   error);
        break;
    }
    return refuse_filter(h, "an ARFF file of Weka", "sed '1,/^@data/Id; /^%/d; /^[[:space:]]*$/d'", ".csv",
                         error);
}

mg_status mg_foreign_text(const char *path, bool packed, const char *bytes, size_t count, mg_error *error) {
    head h = {path, bytes, count, packed};
    if (starts(&h, 0, MAGIC("\xef\xbb\xbf"))) {
        h.bytes += 3;
        h.count -= 3;
    }
    if (h.count == 0) return MG_OK;
    mg_status status = refuse_arff(&h, error);
    if (!status) status = refuse_wabbit(&h, error);
    if (!status) status = refuse_other_pairs(&h, error);
    if (status) return status;
    if (h.bytes[0] == '{' || (h.bytes[0] == '[' && h.count > 1 && strchr("[{\r\n ", h.bytes[1])))
        return refuse_sentence(&h, "JSON", "make a CSV table of it, with one row for each object", error);
    const char *close = memchr(h.bytes, '>', h.count);
    bool absent = close && mg_text_missing(h.bytes, (size_t)(close + 1 - h.bytes)); // <NA>
    if (!absent && h.bytes[0] == '<' &&
        (isalpha((unsigned char)h.bytes[1]) || h.bytes[1] == '!' || h.bytes[1] == '?'))
        return refuse_sentence(&h, "HTML or XML, perhaps the error page of a download",
                               "open it to see what it is, and get a table instead", error);
    return MG_OK;
}

mg_status mg_foreign_bars(const char *path, const char *bytes, size_t count, mg_error *error) {
    mg_head_lines lines = mg_head_begin(bytes, count);
    while (mg_head_next(&lines)) {
        const char *label = mg_skip_blanks(lines.line, lines.stop), *end = mg_skip_word(label, lines.stop);
        if (!memchr(label, '|', (size_t)(end - label))) continue;
        int shown = (int)(end - label < 40 ? end - label : 40);
        return mg_fail(
            error, MG_DATA,
            "%s:%lld: the label would be '%.*s', as in Vowpal Wabbit's lines of label and namespace; "
            "use --format svmlight if it is one label",
            path, (long long)lines.number, shown, label);
    }
    return MG_OK;
}

mg_status mg_foreign_table(const char *path, const char *bytes, size_t count, mg_error *error) {
    mg_head_lines lines = mg_head_begin(bytes, count);
    int64_t first = -1, seen = 0;
    for (; mg_head_next(&lines); seen++) {
        int64_t tabs = 0;
        for (const char *c = lines.line; c < lines.stop; c++) tabs += *c == '\t';
        if (first >= 0 && tabs != first) return MG_OK;
        first = tabs;
    }
    if (first < 2 || seen < 2) return MG_OK;
    return mg_fail(
        error, MG_DATA,
        "%s: may be a table or texts (every line has %lld tabs): for columns of texts use --text NAME "
        "--label NAME, for a table of numbers --format csv, for texts after the first tab --format "
        "text",
        path, (long long)first);
}

mg_status mg_foreign_unknown(const char *path, bool packed, const char *bytes, size_t count,
                             mg_error *error) {
    unsigned char c[4] = {0};
    memcpy(c, bytes, count < sizeof c ? count : sizeof c);
    if (memchr(bytes, '\0', count))
        return mg_fail(
            error, MG_DATA,
            "%s: is a binary file of an unknown kind (it begins with %02x %02x %02x %02x); idx, npy, "
            "svmlight, csv and text files can be converted",
            path, c[0], c[1], c[2], c[3]);
    return mg_fail(error, MG_DATA,
                   "%s: the format cannot be guessed: its first line has neither index:value pairs nor a "
                   "delimiter nor a tab; set it with --format, or set the delimiter with --delimiter; a "
                   "title is removed by %s > NEW",
                   path, packed ? "gzip -dc < FILE | sed 1d" : "sed 1d < FILE");
}
