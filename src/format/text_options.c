// text_options.c - the table of the options.
#include "format/text_options.h"

#include "format/format.h"
#include "format/ngram.h"

#include <stddef.h>

static const mg_option rows[] = {
    {.name = "ngrams",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(mg_text_options, ngrams),
     .preset = "word:1:2",
     .check = mg_ngram_check,
     .changes_result = true,
     .help = "N-grams to count: of A to B words (word:A:B) or characters (char:A:B)."},
    {.name = "bits",
     .type = MG_OPTION_INT,
     .offset = offsetof(mg_text_options, bits),
     .preset = "18",
     .low = 1,
     .high = MG_NGRAM_MOST_BITS,
     .changes_result = true,
     .help = "N-grams are hashed to 2^bits features."},
    {.name = "weighting",
     .type = MG_OPTION_CHOICE,
     .offset = offsetof(mg_text_options, weighting),
     .preset = "tf",
     .choice = mg_ngram_weighting,
     .changes_result = true,
     .help = "Value of a feature in a row: the count of its n-gram, the count times its idf (inverse "
             "document frequency), or 1."},
    {.name = "lowercase",
     .type = MG_OPTION_CHOICE,
     .offset = offsetof(mg_text_options, lowercase),
     .preset = "auto",
     .choice = mg_format_auto_yes_no,
     .changes_result = true,
     .help = "Whether A-Z become a-z before n-grams are counted. auto: yes for words, no for characters."},
    {.name = "unit",
     .type = MG_OPTION_BOOL,
     .offset = offsetof(mg_text_options, unit),
     .preset = "yes",
     .changes_result = true,
     .help = "Whether every row is scaled to the Euclidean length 1."},
    {.name = "header",
     .type = MG_OPTION_CHOICE,
     .offset = offsetof(mg_text_options, header),
     .preset = "auto",
     .choice = mg_format_auto_yes_no,
     .help =
         "Without --text: whether the first line holds names. auto: yes when it is like label, tab, text."},
    {.name = "label",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(mg_text_options, label),
     .preset = "",
     .help =
         "With --text: name of the column of the labels. Without it: first (label, tab, text) or last (text, "
         "tab, label). none: there are no labels."},
    {.name = "text",
     .type = MG_OPTION_TEXT,
     .offset = offsetof(mg_text_options, column),
     .preset = "",
     .help = "Name of the column of the texts. Without it, lines are: label, tab, text."},
};

const char *const mg_text_remembered[] = {"label", "text", NULL};

const mg_section mg_text_section = {
    .name = "text", .help = "texts as hashed n-grams", .options = rows, .count = sizeof rows / sizeof *rows};
