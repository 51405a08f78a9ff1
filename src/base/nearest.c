// nearest.c - edit distances, for "did you mean" in messages.
#include <margin/nearest.h>

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
    LONGEST = 63, // every known name is shorter, so a longer text is no misspelling
    TELLING = 4,  // a shorter name is probably contained by chance
    FAR = LONGEST * 2
};

static bool same_letter(char a, char b) { return tolower((unsigned char)a) == tolower((unsigned char)b); }

static int smaller(int a, int b) { return a < b ? a : b; }

// The fewest insertions, deletions, replacements and swaps of adjacent letters that turn a into b.
static int edit_distance(const char *a, const char *b) {
    int n = (int)strlen(a), m = (int)strlen(b);
    int rows[3][LONGEST + 1] = {0};
    int *before = rows[0], *above = rows[1], *row = rows[2];
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int *recycled = before;
        before = above;
        above = row;
        row = recycled;
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int replaced = above[j - 1] + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1);
            row[j] = smaller(replaced, smaller(above[j], row[j - 1]) + 1);
            bool swapped =
                i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]);
            if (swapped) row[j] = smaller(row[j], before[j - 2] + 1);
        }
    }
    return row[m];
}

static int largest_mistake(size_t a, size_t b) {
    size_t shorter = a < b ? a : b, longer = a < b ? b : a;
    size_t third = longer / 3 > 1 ? longer / 3 : 1;
    return (int)(third < shorter ? third : shorter - 1);
}

static bool one_holds_the_other(const char *a, const char *b) {
    if (strlen(a) < TELLING || strlen(b) < TELLING) return false;
    return strstr(a, b) || strstr(b, a);
}

const char *mg_nearest_name(const char *name, const char *(*candidate)(int i, const void *context),
                            const void *context) {
    const char *nearest = NULL, *related = NULL, *other;
    int least = FAR;
    size_t length = strlen(name);
    if (length == 0 || length > LONGEST) return NULL;
    for (int i = 0; (other = candidate(i, context)); i++) {
        size_t other_length = strlen(other);
        if (other_length == 0 || other_length > LONGEST) continue;
        int distance = edit_distance(name, other);
        if (distance <= largest_mistake(length, other_length) && distance < least) {
            least = distance;
            nearest = other;
        }
        if (one_holds_the_other(name, other) && (!related || other_length > strlen(related))) related = other;
    }
    // A contained name is preferred to a name at a distance above 2: "batch_size" is as near to other names
    // as to "batch", but it contains "batch".
    return nearest && (least <= 2 || !related) ? nearest : related;
}

const char *mg_nearest_hint(const char *name, const char *(*candidate)(int i, const void *context),
                            const void *context, char out[MG_NEAREST_TEXT]) {
    const char *nearest = mg_nearest_name(name, candidate, context);
    out[0] = '\0';
    if (nearest) snprintf(out, MG_NEAREST_TEXT, "; did you mean %s?", nearest);
    return out;
}
