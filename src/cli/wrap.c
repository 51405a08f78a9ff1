// wrap.c - breaks lines at spaces where the terminal ends. Escape sequences, and all bytes of a character but
// the first, take no column.
#include "cli/wrap.h"

#include "cli/cli.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int mg_cli_columns(FILE *file) {
    struct winsize size;
    if (!mg_cli_is_terminal(file) || ioctl(fileno(file), TIOCGWINSZ, &size)) return 0;
    return size.ws_col;
}

void mg_cli_page_open(mg_cli_page *page, FILE *out) {
    *page = (mg_cli_page){.out = out};
    page->text = mg_cli_columns(out) ? open_memstream(&page->bytes, &page->size) : NULL;
    if (!page->text) page->text = out;
}

// Bytes of the text that fit into the columns. If not all do, and `words`: those before the last space of
// these, or all if there is no space.
static size_t fit(const char *text, size_t bytes, int columns, bool words) {
    size_t best = 0;
    int used = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\033') {
            while (i < bytes && text[i] != 'm') i++;
            continue;
        }
        if (!words || (text[i] == ' ' && i && text[i - 1] != ' ')) best = i;
        used += ((unsigned char)text[i] & 0xC0) != 0x80;
        if (used > columns && best) return best;
    }
    return bytes;
}

static void put_line(FILE *out, const char *line, size_t bytes, int columns, int indent) {
    // The head of a line, such as "rows", is not broken off.
    size_t head = fit(line, bytes, indent, false);
    fwrite(line, 1, head, out);
    for (size_t done = head, part; done < bytes; done += part) {
        part = fit(line + done, bytes - done, columns - indent, true);
        if (done > head) fprintf(out, "\n%*s", indent, "");
        fwrite(line + done, 1, part, out);
        while (done + part < bytes && line[done + part] == ' ') part++;
    }
    fputc('\n', out);
}

void mg_cli_page_close(mg_cli_page *page, int indent) {
    if (page->text == page->out) return;
    int columns = mg_cli_columns(page->out);
    if (columns < 2 * indent) columns = 2 * indent;
    fclose(page->text); // keeps what was written before memory ran out
    char *line = page->bytes;
    for (char *end; line && (end = strchr(line, '\n')); line = end + 1)
        put_line(page->out, line, (size_t)(end - line), columns, indent);
    free(page->bytes);
}
