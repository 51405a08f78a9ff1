// test_sample.c - the sample of a training set consists of the first rows in the order of the first epoch,
// with labels and weights: dense and sparse, in memory and from the file, whatever the position of the stream
// was.
#include "../data/stream_files.h"

#include "base/memory.h"
#include "train/sample.h"

static int64_t number_in(const mg_sample *sample, int64_t r) {
    mg_batch batch = {.rows = sample->rows, .label = sample->label, .weight = sample->weight};
    return number_of(&batch, r); // also checks that label and weight belong to the row
}

static void expect_sample(mg_dataset *dataset, int64_t batch, int64_t count) {
    mg_stream *stream = open_stream(dataset, batch, 5, true);
    mg_sample_store store;
    mg_sample sample;
    mg_error error;
    read_epoch(stream, dataset, batch, 0, &one);
    assert_int_equal(mg_stream_seek(stream, 3, 1, NULL), MG_OK);
    if (mg_sample_draw(stream, dataset, &store, &sample, &error)) fail_msg("%s", error.text);
    assert_int_equal(sample.rows.count, count);
    assert_int_equal(sample.whole, count == dataset->count);
    for (int64_t i = 0; i < count; i++) assert_int_equal(number_in(&sample, i), one.row[i]);
    mg_sample_clear(&store);
    mg_stream_destroy(stream);
}

static void check_both(const row_form *form, mg_selection side, int64_t batch, bool whole) {
    mg_dataset *memory, *file;
    open_both(form, side, &memory, &file);
    int64_t count = whole ? memory->count : MG_SAMPLE_FEWEST;
    expect_sample(memory, batch, count);
    expect_sample(file, batch, count);
    mg_dataset_close(memory);
    mg_dataset_close(file);
}

// The sample needs fewer rows than there are, so it ends within the epoch; with 1000, within a minibatch.
static void test_part(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    assert_true((int)ROWS > (int)MG_SAMPLE_FEWEST && MG_SAMPLE_FEWEST % 1000);
    for (int f = 0; f < FORMS; f++) check_both(&forms[f], MG_SELECT_ALL, 1000, false);
}

static void test_whole(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int f = 0; f < FORMS; f += 3) check_both(&forms[f], MG_SELECT_KEPT, 256, true);
}

// Each allocation fails in turn; then nothing remains allocated.
static void test_no_memory(void **unused) {
    (void)unused;
    row_form forms[FORMS];
    list_forms(forms);
    for (int f = 0; f < FORMS; f++) {
        if (f && !forms[f].sparse) continue;
        write_form(&forms[f]);
        mg_dataset *dataset = open_data(0, 1 << 20, MG_SELECT_ALL);
        mg_stream *stream = open_stream(dataset, 1000, 5, true);
        mg_sample_store store;
        mg_sample sample;
        mg_status status = MG_MEMORY;
        int failed = 0;
        for (int64_t k = 1; status; k++) {
            mg_memory_fail_at(k, true);
            status = mg_sample_draw(stream, dataset, &store, &sample, NULL);
            mg_memory_fail_at(0, false);
            if (!status) break;
            failed++;
            assert_int_equal(status, MG_MEMORY);
            assert_null(store.label);
            assert_null(store.store.values);
            assert_null(store.store.dense);
        }
        assert_true(failed >= 3);
        mg_sample_clear(&store);
        mg_stream_destroy(stream);
        mg_dataset_close(dataset);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_part),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
